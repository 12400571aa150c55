import type { Condition, Instruction, Label, Operand, Register, Width } from './instruction.ts';

// RFC 9669, section 4: opcodes are a class, a source (register or immediate) or width, and an operation.
const CLASS = { LD: 0x00, LDX: 0x01, ST: 0x02, STX: 0x03, ALU: 0x04, JMP: 0x05, ALU64: 0x07 } as const;
const WIDTH = { 8: 0x10, 16: 0x08, 32: 0x00, 64: 0x18 } as const;
const MODE = { IMM: 0x00, MEM: 0x60, ATOMIC: 0xc0 } as const;
const REGISTER = 0x08;
const ALU = {
  ADD: 0x00,
  SUB: 0x10,
  MUL: 0x20,
  DIV: 0x30,
  AND: 0x50,
  LSH: 0x60,
  RSH: 0x70,
  XOR: 0xa0,
  MOV: 0xb0,
  END: 0xd0,
};
const JMP = { ALWAYS: 0x00, CALL: 0x80, EXIT: 0x90 } as const;
const CONDITION = {
  '==': 0x10,
  '>': 0x20,
  '>=': 0x30,
  '&': 0x40,
  '!=': 0x50,
  '<': 0xa0,
  '<=': 0xb0,
} as const;
const TO_BIG_ENDIAN = 0x08;
const PSEUDO_MAP_DESCRIPTOR = 1;

/** The content of a register as a second operand. */
export const register = (number: Register): Operand => ({ register: number });

/** Where jumps lead to. Labels are unique in a program. */
export const label = (name: string): Label => ({ label: name });

/** Copies 64 bits, or sets a number from -2³¹ to 2³² - 1. */
export function move(to: Register, from: Operand): Instruction {
  if (typeof from !== 'number' || from < 0) return arithmetic(ALU.MOV, to, from);
  // The 32-bit move does not extend the sign.
  return { opcode: CLASS.ALU | ALU.MOV, destination: to, immediate: check(from, 0, 0xffffffff) | 0 };
}

/** 64-bit arithmetic; numbers are from -2³¹ to 2³¹ - 1 and extend their sign. */
export const add = (to: Register, operand: Operand) => arithmetic(ALU.ADD, to, operand);
export const subtract = (to: Register, operand: Operand) => arithmetic(ALU.SUB, to, operand);
export const multiply = (to: Register, operand: Operand) => arithmetic(ALU.MUL, to, operand);
/** Unsigned; zero when the divisor is. */
export const divide = (to: Register, operand: Operand) => arithmetic(ALU.DIV, to, operand);
export const and = (to: Register, operand: Operand) => arithmetic(ALU.AND, to, operand);
export const xor = (to: Register, operand: Operand) => arithmetic(ALU.XOR, to, operand);
export const shiftLeft = (to: Register, bits: Operand) => arithmetic(ALU.LSH, to, bits);
export const shiftRight = (to: Register, bits: Operand) => arithmetic(ALU.RSH, to, bits);

/** Turns the lower bits from the machine's byte order to the network's, or back, and clears the others. */
export function toNetworkOrder(width: 16 | 32 | 64, value: Register): Instruction {
  return { opcode: CLASS.ALU | ALU.END | TO_BIG_ENDIAN, destination: value, immediate: width };
}

/** Reads memory at a register's content plus `offset` bytes; the upper bits become zero. */
export function load(width: Width, to: Register, base: Register, offset: number): Instruction {
  return { opcode: CLASS.LDX | MODE.MEM | WIDTH[width], destination: to, source: base, offset };
}

/** Writes memory at a register's content plus `offset` bytes. */
export function store(width: Width, base: Register, offset: number, value: Operand): Instruction {
  if (typeof value === 'number') {
    const immediate = check(value, -0x80000000, 0x7fffffff);
    return { opcode: CLASS.ST | MODE.MEM | WIDTH[width], destination: base, offset, immediate };
  }
  return {
    opcode: CLASS.STX | MODE.MEM | WIDTH[width],
    destination: base,
    source: value.register,
    offset,
  };
}

/** Adds to 64 bits of memory, atomically. */
export function atomicAdd(base: Register, offset: number, value: Register): Instruction {
  return { opcode: CLASS.STX | MODE.ATOMIC | WIDTH[64], destination: base, source: value, offset };
}

/** The address of a map, for helpers. */
export function loadMap(to: Register, map: { readonly descriptor: number }): readonly Instruction[] {
  const opcode = CLASS.LD | MODE.IMM | WIDTH[64];
  const lower = { opcode, destination: to, source: PSEUDO_MAP_DESCRIPTOR, immediate: map.descriptor };
  return [lower, { opcode: 0 }];
}

export function jump(target: string): Instruction {
  return { opcode: CLASS.JMP | JMP.ALWAYS, target };
}

/** Compares 64 bits; a number is from 0 to 2³¹ - 1. */
export function jumpIf(value: Register, condition: Condition, operand: Operand, target: string): Instruction {
  const opcode = CLASS.JMP | CONDITION[condition];
  if (typeof operand === 'number')
    return { opcode, destination: value, immediate: check(operand, 0, 0x7fffffff), target };
  return { opcode: opcode | REGISTER, destination: value, source: operand.register, target };
}

/** Calls a helper (bpf-helpers(7)) by its number. */
export function call(helper: number): Instruction {
  return { opcode: CLASS.JMP | JMP.CALL, immediate: helper };
}

/** Ends the program with the result in r0. */
export const exit: Instruction = { opcode: CLASS.JMP | JMP.EXIT };

function arithmetic(operation: number, to: Register, operand: Operand): Instruction {
  const opcode = CLASS.ALU64 | operation;
  if (typeof operand === 'number')
    return { opcode, destination: to, immediate: check(operand, -0x80000000, 0x7fffffff) };
  return { opcode: opcode | REGISTER, destination: to, source: operand.register };
}

function check(value: number, from: number, to: number): number {
  if (Number.isInteger(value) && value >= from && value <= to) return value;
  throw new RangeError(`${value} is not an integer from ${from} to ${to}`);
}
