import { bpfCalls, type SystemError } from '@flannel-ts/native';
import { assemble } from './assemble.ts';
import { ownDescriptor } from './descriptor.ts';
import { ProgramError } from './errors.ts';
import type { Code } from './instruction.ts';

/** linux/bpf.h */
const BPF_PROG_TYPE_SCHED_CLS = 3;
const ATTACH_TYPE: Readonly<Record<Direction, number>> = { ingress: 46, egress: 47 };

/** A program for the traffic control hooks of interfaces. It ends with its last attachment. */
export interface Program extends Disposable {
  /**
   * Runs the program for every packet that the interface receives (`ingress`) or sends (`egress`), behind the programs
   * that are there already (tcx, Linux 6.6), until the attachment is disposed of or this process ends.
   * @param interfaceIndex - in this thread's network namespace
   * @throws {SystemError} `EINVAL` on older kernels, `ENODEV` without such an interface, `EPERM`
   */
  attach(interfaceIndex: number, direction: Direction): Disposable;

  /** The same until the interface is deleted: for one of the caller's own that must not be without the program. */
  attachForGood(interfaceIndex: number, direction: Direction): void;
}

/** Packets that an interface receives, or that it sends. */
export type Direction = 'ingress' | 'egress';

/**
 * Loads a program. Its context, r1, is a `struct __sk_buff` ({@link skb}), its result one of {@link verdict}.
 * @param license - what the program may be used under, such as `Dual MIT/GPL`: the kernel lends some helpers only to
 *   programs under the GPL
 * @throws {ProgramError} the verifier refuses it
 * @throws {SystemError} `EPERM`, `AddonError`
 */
export function loadProgram(code: Code, license: string): Program {
  const calls = bpfCalls();
  const program = ownDescriptor(load(code, license));
  return {
    attach(interfaceIndex, direction) {
      const link = calls.bpfAttachProgram(program.number, interfaceIndex, ATTACH_TYPE[direction]);
      return ownDescriptor(link);
    },
    attachForGood: (interfaceIndex, direction) =>
      calls.bpfAttachProgramForGood(program.number, interfaceIndex, ATTACH_TYPE[direction]),
    [Symbol.dispose]: () => program[Symbol.dispose](),
  };
}

function load(code: Code, license: string): number {
  try {
    return bpfCalls().bpfLoadProgram(BPF_PROG_TYPE_SCHED_CLS, assemble(code), license);
  } catch (error) {
    const { log } = error as SystemError & { readonly log?: string };
    throw log ? new ProgramError(error as SystemError, log) : error;
  }
}
