/**
 * eBPF programs at the traffic control hooks of interfaces: loads what bpftool made of C,
 * attaches programs, reads maps.
 *
 * @packageDocumentation
 */
export { attachedPrograms, detachProgram } from './attached.ts';
export { ProgramError } from './errors.ts';
export type { BatchEntry, BpfMap } from './map.ts';
export { decodeStruct, encodeStruct, sumCounters, type MemberLayout, type StructLayout } from './struct.ts';
export type { Direction, Program, TestRun, TestRunContext } from './program.ts';
export { loadSkeleton, type LoadedSkeleton, type Skeleton } from './skeleton.ts';
