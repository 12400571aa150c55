/**
 * One eBPF instruction, 8 bytes (RFC 9669, section 3):
 *
 *      0        1               2        4                        8
 *     | opcode | src   | dst   | offset | immediate               |
 */
export interface Instruction {
  readonly opcode: number;
  readonly destination?: number;
  readonly source?: number;
  /** Bytes of a load or store; a jump's comes from its `target`. */
  readonly offset?: number;
  /** 32 bits, sign-extended by most instructions. */
  readonly immediate?: number;
  /** The label that a jump leads to. */
  readonly target?: string;
}

/** A place in a program that jumps lead to. */
export interface Label {
  readonly label: string;
}

/** A part of a program; parts nest. */
export type Code = Instruction | Label | readonly Code[];

/** r0 is a result, r1 to r5 are arguments and lost in calls, r6 to r9 stay, r10 is the end of the stack's 512 bytes. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

/** What memory is read or written in, in bits. */
export type Width = 8 | 16 | 32 | 64;

/** Unsigned comparisons; `&` holds when both have a bit in common. */
export type Condition = '==' | '!=' | '<' | '<=' | '>' | '>=' | '&';

/** The second operand: the content of a register, or a number. */
export type Operand = { readonly register: Register } | number;
