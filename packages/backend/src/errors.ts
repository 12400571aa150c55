/** The network config's `Backend` object cannot be used on this host; the message names the key and the fix. */
export class BackendConfigError extends Error {
  /** The key, such as `Backend.VNI`. */
  readonly field: string;

  constructor(field: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BackendConfigError';
    this.field = field;
  }
}

/** A peer's lease cannot be followed: it lacks what its backend must publish, or says what cannot be. */
export class PeerDataError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PeerDataError';
  }
}
