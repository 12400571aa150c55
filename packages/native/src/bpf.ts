import { loadBinding } from './binding.ts';

/** The maps and programs that a skeleton loads, in its order: file descriptors. */
export interface LoadedBpf {
  readonly maps: readonly number[];
  readonly programs: readonly number[];
}

export interface BpfMapDescription {
  /** linux/bpf.h: BPF_MAP_TYPE_ */
  readonly type: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly maxEntries: number;
}

/**
 * The commands of bpf(2) that flannel-ts needs, as they are; `@flannel-ts/bpf` makes objects of them. Maps, programs
 * and links are file descriptors, and end with them. Every call throws {@link SystemError}.
 */
export interface BpfCalls {
  /**
   * Runs the loader program of a light skeleton (`bpftool gen skeleton -L`), which creates maps and loads programs; the
   * error has what the verifier says as `log`.
   * @param initialValues - one for each map, or undefined to leave it as the skeleton has it
   */
  bpfLoadSkeleton(
    instructions: Uint8Array,
    data: Uint8Array,
    initialValues: readonly (Uint8Array | undefined)[],
    programs: number,
  ): LoadedBpf;
  /** BPF_OBJ_GET_INFO_BY_FD */
  bpfDescribeMap(map: number): BpfMapDescription;
  /** BPF_MAP_UPDATE_ELEM; `key` and `value` must be as long as the map's. */
  bpfUpdateElement(map: number, key: Uint8Array, value: Uint8Array): void;
  /** BPF_MAP_LOOKUP_ELEM into `value`; false when there is none. */
  bpfReadElement(map: number, key: Uint8Array, value: Uint8Array): boolean;
  /** BPF_MAP_DELETE_ELEM; one that is not there is no error. */
  bpfDeleteElement(map: number, key: Uint8Array): void;
  /**
   * BPF_MAP_LOOKUP_BATCH of at most `most` entries into `keys` and `values`, from `position`, which becomes the next one,
   * or from the first.
   */
  bpfReadBatch(
    map: number,
    position: Uint8Array,
    keys: Uint8Array,
    values: Uint8Array,
    most: number,
    first: boolean,
  ): { readonly entries: number; readonly more: boolean };
  /** BPF_PROG_TEST_RUN of a program for packets, with a `struct __sk_buff`; what comes out is written to `output`. */
  bpfTestRun(
    program: number,
    packet: Uint8Array,
    context: Uint8Array,
    output: Uint8Array,
  ): { readonly result: number; readonly bytes: number };
  /** BPF_LINK_CREATE to an interface of this thread's network namespace. */
  bpfAttachProgram(program: number, interfaceIndex: number, attachType: number): number;
  /**
   * BPF_PROG_ATTACH to an interface of this thread's network namespace, for as long as that is there.
   * @param before - the id of a program there before which it is to run, or 0: it is the last one
   */
  bpfAttachProgramForGood(program: number, interfaceIndex: number, attachType: number, before: number): void;
  /** BPF_PROG_QUERY: the ids of the programs at an interface, in their order; each change has a revision. */
  bpfQueryPrograms(
    interfaceIndex: number,
    attachType: number,
  ): { readonly ids: readonly number[]; readonly revision: number };
  /**
   * BPF_PROG_DETACH of the program behind that with the id `behind`, or of the first one for 0; `ESTALE` when the
   * programs there have another revision.
   */
  bpfDetachProgramBehind(interfaceIndex: number, attachType: number, behind: number, revision: number): void;
  /** BPF_OBJ_GET_INFO_BY_FD: the id of a program, which no other one has. */
  bpfProgramId(program: number): number;
  /** close(2) */
  closeDescriptor(descriptor: number): void;
}

/** @throws {AddonError} */
export function bpfCalls(): BpfCalls {
  return loadBinding();
}
