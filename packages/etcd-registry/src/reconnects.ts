/** The caller's wish for a new connection, for what waits or works meanwhile. */
export interface Reconnects {
  /** Returns a signal that aborts with the next wish. */
  next(): AbortSignal;
  announce(): void;
}

export function createReconnects(): Reconnects {
  let announced = new AbortController();
  return {
    next: () => announced.signal,
    announce() {
      announced.abort(new Error('a new connection was asked for'));
      announced = new AbortController();
    },
  };
}
