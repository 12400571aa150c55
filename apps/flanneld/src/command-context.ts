import type { Logger } from './log.ts';

/** What a command needs from its process. */
export interface CommandContext {
  readonly log: Logger;
  /** Ends the command. */
  readonly signal: AbortSignal;
  /** Writes a line of the result. */
  readonly print: (line: string) => void;
}
