import type { SystemError } from '@flannel-ts/native';

/** The kernel's verifier refused a program. */
export class ProgramError extends Error {
  /** What the verifier says, instruction by instruction. */
  readonly log: string;

  constructor(cause: SystemError, log: string) {
    super(`the kernel refuses the program: ${cause.code}: ${lastWords(log)}`, { cause });
    this.name = 'ProgramError';
    this.log = log;
  }
}

/** The line that tells the reason: the last but the verifier's statistics. */
function lastWords(log: string): string {
  const lines = log.split('\n').filter((line) => line !== '' && !line.startsWith('processed '));
  return lines.at(-1) ?? 'it gives no reason';
}
