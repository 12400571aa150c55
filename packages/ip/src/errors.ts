/** A text that is no address, prefix or subnet key; the message says what to write instead. */
export class AddressError extends Error {
  /** The rejected text. */
  readonly input: string;

  constructor(input: string, problem: string) {
    super(`${shown(input)} ${problem}`);
    this.name = 'AddressError';
    this.input = input;
  }
}

/** The text in quotes, cut to what a message can show. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
