import { bpfCalls, type SystemError } from '@flannel-ts/native';
import { ATTACH_TYPE, type Direction } from './program.ts';

/**
 * Returns the ids of the programs at an interface (tcx), in the order in which they run.
 * @param interfaceIndex - in this thread's network namespace
 * @throws {SystemError} `ENODEV` without such an interface, `EINVAL` on kernels without tcx
 */
export function attachedPrograms(interfaceIndex: number, direction: Direction): readonly number[] {
  return bpfCalls().bpfQueryPrograms(interfaceIndex, ATTACH_TYPE[direction]).ids;
}

/**
 * Detaches a program that was attached for good, by this process or another one. One that is not
 * there is no error.
 * @param interfaceIndex - in this thread's network namespace
 * @throws {SystemError} `ENODEV` without such an interface, `EBUSY` for an attachment of `attach`
 */
export function detachProgram(interfaceIndex: number, direction: Direction, id: number): void {
  const calls = bpfCalls();
  const type = ATTACH_TYPE[direction];
  for (;;) {
    // By its place and not by a descriptor: to get one of another process's program takes
    // CAP_SYS_ADMIN.
    const { ids, revision } = calls.bpfQueryPrograms(interfaceIndex, type);
    const place = ids.indexOf(id);
    if (place < 0) return;
    try {
      calls.bpfDetachProgramBehind(interfaceIndex, type, ids[place - 1] ?? 0, revision);
      return;
    } catch (error) {
      // The programs have changed meanwhile.
      if ((error as SystemError).code !== 'ESTALE') throw error;
    }
  }
}
