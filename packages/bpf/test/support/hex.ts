import { assemble, type Code } from '../../src/index.ts';

/** The bytes of a program as `llvm-mc --show-encoding` and the tables of RFC 9669 order them: `bf 21 00 00 00 00 00 00`. */
export function hex(code: Code): string {
  return [...assemble(code)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/** Opcode, registers, offset and immediate of each instruction of a program. */
export function fields(code: Code) {
  const bytes = assemble(code);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 8 }, (_, index) => ({
    opcode: view.getUint8(8 * index),
    destination: view.getUint8(8 * index + 1) & 0xf,
    source: view.getUint8(8 * index + 1) >> 4,
    offset: view.getInt16(8 * index + 2, true),
    immediate: view.getInt32(8 * index + 4, true),
  }));
}
