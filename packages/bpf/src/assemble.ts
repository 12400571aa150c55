import type { Code, Instruction, Label } from './instruction.ts';

/** Bytes of an instruction. */
const BYTES = 8;

/**
 * The bytes of a program for BPF_PROG_LOAD, in little-endian byte order as on every machine that Node's
 * Linux builds run on but s390x.
 * @throws {RangeError} for a label that is missing or there twice, a jump or an offset that is too far, and numbers that
 *   are no integers
 */
export function assemble(code: Code): Uint8Array {
  const instructions: Instruction[] = [];
  const labels = new Map<string, number>();
  for (const part of flatten(code)) {
    if (!('label' in part)) {
      instructions.push(part);
      continue;
    }
    if (labels.has(part.label)) throw new RangeError(`the label ${part.label} is there twice`);
    labels.set(part.label, instructions.length);
  }
  const bytes = new Uint8Array(instructions.length * BYTES);
  instructions.forEach((instruction, index) => {
    const offset = instruction.target === undefined ? undefined : distance(labels, instruction.target, index);
    write(new DataView(bytes.buffer, index * BYTES, BYTES), { offset, ...instruction });
  });
  return bytes;
}

function flatten(code: Code): (Instruction | Label)[] {
  return Array.isArray(code) ? code.flatMap(flatten) : [code as Instruction | Label];
}

/** Jumps count instructions from the one behind. */
function distance(labels: ReadonlyMap<string, number>, target: string, from: number): number {
  const to = labels.get(target);
  if (to === undefined) throw new RangeError(`there is no label ${target}`);
  return to - from - 1;
}

function write(view: DataView, instruction: Instruction): void {
  const { opcode, destination = 0, source = 0, offset = 0, immediate = 0 } = instruction;
  if (offset !== (offset << 16) >> 16) throw new RangeError(`the offset ${offset} does not fit 16 bits`);
  if (immediate !== (immediate | 0)) throw new RangeError(`the immediate ${immediate} does not fit 32 bits`);
  view.setUint8(0, opcode);
  view.setUint8(1, (source << 4) | destination);
  view.setInt16(2, offset, true);
  view.setInt32(4, immediate, true);
}
