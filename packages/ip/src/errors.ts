/** A text or byte sequence that is no address or prefix. */
export class AddressError extends Error {
  /** The rejected text. */
  readonly input: string;

  constructor(input: string, problem: string) {
    super(`${JSON.stringify(input)} ${problem}`);
    this.name = 'AddressError';
    this.input = input;
  }
}
