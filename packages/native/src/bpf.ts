import { loadBinding } from './binding.ts';

/**
 * The commands of bpf(2) that flannel-ts needs, as they are; `@flannel-ts/bpf` makes objects of them. Maps, programs
 * and links are file descriptors, and end with them. Every call throws {@link SystemError}.
 */
export interface BpfCalls {
  /** BPF_MAP_CREATE, with numbers of linux/bpf.h. */
  bpfCreateMap(type: number, keyBytes: number, valueBytes: number, maxEntries: number, flags: number): number;
  /** BPF_MAP_UPDATE_ELEM; `key` and `value` must be as long as the map's. */
  bpfUpdateElement(map: number, key: Uint8Array, value: Uint8Array): void;
  /** BPF_MAP_LOOKUP_ELEM into `value`; false when there is none. */
  bpfReadElement(map: number, key: Uint8Array, value: Uint8Array): boolean;
  /** BPF_MAP_DELETE_ELEM; one that is not there is no error. */
  bpfDeleteElement(map: number, key: Uint8Array): void;
  /** BPF_PROG_LOAD; the error has what the verifier says as `log`. */
  bpfLoadProgram(type: number, instructions: Uint8Array, license: string): number;
  /** BPF_LINK_CREATE to an interface of this thread's network namespace. */
  bpfAttachProgram(program: number, interfaceIndex: number, attachType: number): number;
  /** BPF_PROG_ATTACH to an interface of this thread's network namespace, for as long as that is there. */
  bpfAttachProgramForGood(program: number, interfaceIndex: number, attachType: number): void;
  /** An interface of this thread's network namespace, with its ARPHRD_ type (linux/if_arp.h); 1 is Ethernet. */
  findInterface(name: string): { readonly index: number; readonly type: number } | undefined;
  /** close(2) */
  closeDescriptor(descriptor: number): void;
}

/** @throws {AddonError} */
export function bpfCalls(): BpfCalls {
  return loadBinding();
}
