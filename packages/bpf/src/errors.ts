import type { SystemError } from '@flannel-ts/native';

/** The kernel's verifier refused a program. */
export class ProgramError extends Error {
  /**
   * What the verifier says: instructions, and before them the lines of C that they were compiled
   * from.
   */
  readonly log: string;

  constructor(cause: SystemError, log: string) {
    const lines = log.split('\n').filter((line) => line !== '' && !line.startsWith('processed '));
    const reason = lines.at(-1) ?? 'the verifier gives no reason';
    // `; if (data_offset > 15) @ packet.h:66`; older kernels have no file there.
    const source = lines.findLast((line) => line.startsWith('; '));
    const at = source === undefined ? '' : ` at "${source.slice(2)}"`;
    super(`the kernel refuses the program: ${cause.code}: ${reason}${at}`, { cause });
    this.name = 'ProgramError';
    this.log = log;
  }
}
