/**
 * eBPF from TypeScript: an assembler, maps, and programs at the traffic control hooks of interfaces.
 *
 * @packageDocumentation
 */
export { assemble } from './assemble.ts';
export { ProgramError } from './errors.ts';
export type { Code, Condition, Instruction, Label, Operand, Register, Width } from './instruction.ts';
export {
  add,
  and,
  atomicAdd,
  call,
  divide,
  exit,
  jump,
  jumpIf,
  label,
  load,
  loadMap,
  move,
  multiply,
  register,
  shiftLeft,
  shiftRight,
  store,
  subtract,
  toNetworkOrder,
  xor,
} from './instructions.ts';
export { createMap, type BpfMap, type BpfMapOptions } from './map.ts';
export { loadProgram, type Direction, type Program } from './program.ts';
export { helper, skb, verdict } from './skb.ts';
