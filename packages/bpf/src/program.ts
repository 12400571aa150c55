import { bpfCalls } from '@flannel-ts/native';
import { ownDescriptor } from './descriptor.ts';

/** linux/bpf.h */
export const ATTACH_TYPE: Readonly<Record<Direction, number>> = { ingress: 46, egress: 47 };

/** struct __sk_buff: its size, and offsets of what a test may set. */
const CONTEXT_BYTES = 192;
const CONTEXT = { ifindex: 40, gsoSize: 176 } as const;

/** A packet may grow by headers. */
const ROOM_BYTES = 512;

/** A program for the traffic control hooks of interfaces. It ends with its last attachment. */
export interface Program extends Disposable {
  readonly descriptor: number;
  /** What the kernel and bpftool call it by; no other program has it. */
  readonly id: number;

  /**
   * Runs the program for every packet that the interface receives (`ingress`) or sends
   * (`egress`), behind the programs that are there already (tcx, Linux 6.6), until the attachment
   * is disposed of or this process ends.
   * @param interfaceIndex - in this thread's network namespace
   * @throws {SystemError} `EINVAL` on older kernels, `ENODEV` without such an interface, `EPERM`
   */
  attach(interfaceIndex: number, direction: Direction): Disposable;

  /**
   * The same until {@link detachProgram} or until the interface is deleted, whatever becomes of this
   * process.
   * @param options.before - the id of a program there before which it is to run. @default the last
   */
  attachForGood(
    interfaceIndex: number,
    direction: Direction,
    options?: { readonly before?: number | undefined },
  ): void;

  /**
   * Runs the program once, in this thread's network namespace, for a packet that goes nowhere.
   * The kernel takes the packet's first 14 bytes for an Ethernet header, whatever they are.
   * @throws {SystemError} `EINVAL` for a packet that is too short or too long
   */
  testRun(packet: Uint8Array, context?: TestRunContext): TestRun;
}

/** Packets that an interface receives, or that it sends. */
export type Direction = 'ingress' | 'egress';

/** Fields of `struct __sk_buff`. */
export interface TestRunContext {
  /** The interface that the packet is at. @default that of the loopback device */
  readonly ifindex?: number;
  /** Bytes of payload of a segment, in a packet of several. @default 0: one segment */
  readonly gsoSize?: number;
}

export interface TestRun {
  /** What the program returned: -1 the next program decides, 0 pass, 2 drop, 7 redirect. */
  readonly verdict: number;
  /** The packet as the program left it. */
  readonly packet: Uint8Array;
}

export function openProgram(descriptor: number): Program {
  const calls = bpfCalls();
  const program = ownDescriptor(descriptor);
  return {
    get descriptor() {
      return program.number;
    },
    get id() {
      return calls.bpfProgramId(program.number);
    },
    attach(interfaceIndex, direction) {
      const link = calls.bpfAttachProgram(program.number, interfaceIndex, ATTACH_TYPE[direction]);
      return ownDescriptor(link);
    },
    attachForGood: (interfaceIndex, direction, { before = 0 } = {}) =>
      calls.bpfAttachProgramForGood(program.number, interfaceIndex, ATTACH_TYPE[direction], before),
    testRun(packet, { ifindex = 0, gsoSize = 0 } = {}) {
      const context = new DataView(new ArrayBuffer(CONTEXT_BYTES));
      context.setUint32(CONTEXT.ifindex, ifindex, true);
      context.setUint32(CONTEXT.gsoSize, gsoSize, true);
      const output = new Uint8Array(packet.length + ROOM_BYTES);
      const run = calls.bpfTestRun(program.number, packet, new Uint8Array(context.buffer), output);
      return { verdict: run.result, packet: output.subarray(0, run.bytes) };
    },
    [Symbol.dispose]: () => program[Symbol.dispose](),
  };
}
