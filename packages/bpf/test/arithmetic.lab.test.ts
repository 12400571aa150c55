import { createNamespace, missingTcx } from '@flannel-ts/lab';
import { inNamespace } from '@flannel-ts/native';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import {
  add,
  and,
  atomicAdd,
  createMap,
  divide,
  exit,
  jump,
  jumpIf,
  label,
  load,
  loadProgram,
  move,
  multiply,
  register,
  shiftLeft,
  shiftRight,
  store,
  subtract,
  toNetworkOrder,
  verdict,
  xor,
  type BpfMap,
  type Code,
  type Condition,
} from '../src/index.ts';
import { findEntry } from './support/programs.ts';

/** What the kernel computes of `a` in r1 and `b` in r2, both 64 bits, into r1, and what it should be. */
interface Operation {
  readonly name: string;
  readonly code: Code;
  readonly expected: (a: bigint, b: bigint) => bigint;
}

/** The bytes of the lower `width` bits in the other order. */
function swap(width: 16 | 32 | 64, value: bigint): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return BigInt(`0x${bytes.subarray(0, width / 8).toString('hex')}`);
}

const u64 = (value: bigint) => BigInt.asUintN(64, value);
/** Numbers shift by their lower 6 bits (RFC 9669, section 4.1). */
const bits = (b: bigint) => b & 63n;
/** r3 is free, and so is the stack below its first 64 bits. */
const SCRATCH = -16;

const NUMBER = 0x0123_4567;
const comparisons: readonly (readonly [Condition, (a: bigint, b: bigint) => boolean])[] = [
  ['==', (a, b) => a === b],
  ['!=', (a, b) => a !== b],
  ['<', (a, b) => a < b],
  ['<=', (a, b) => a <= b],
  ['>', (a, b) => a > b],
  ['>=', (a, b) => a >= b],
  ['&', (a, b) => (a & b) !== 0n],
];

/** Sets r1 to whether a jump is taken. */
const taken = (name: string, jumpTo: (target: string) => Code): Code => [
  move(3, 1),
  jumpTo(name),
  move(3, 0),
  label(name),
  move(1, register(3)),
];

const operations: readonly Operation[] = [
  { name: 'a', code: [], expected: (a) => a },
  { name: 'b', code: move(1, register(2)), expected: (_, b) => b },
  { name: 'a number of 2³¹ and more', code: move(1, 0x80000001), expected: () => 0x80000001n },
  { name: '2³² - 1', code: move(1, 0xffffffff), expected: () => 0xffffffffn },
  { name: 'a negative number', code: move(1, -2), expected: () => u64(-2n) },
  { name: 'a + b', code: add(1, register(2)), expected: (a, b) => a + b },
  { name: 'a + number', code: add(1, NUMBER), expected: (a) => a + BigInt(NUMBER) },
  { name: 'a + negative number', code: add(1, -NUMBER), expected: (a) => a - BigInt(NUMBER) },
  { name: 'a - b', code: subtract(1, register(2)), expected: (a, b) => a - b },
  { name: 'a - number', code: subtract(1, NUMBER), expected: (a) => a - BigInt(NUMBER) },
  { name: 'a · b', code: multiply(1, register(2)), expected: (a, b) => a * b },
  { name: 'a · negative number', code: multiply(1, -NUMBER), expected: (a) => a * -BigInt(NUMBER) },
  {
    name: 'a / b, zero without a divisor',
    code: divide(1, register(2)),
    expected: (a, b) => (b ? a / b : 0n),
  },
  { name: 'a / number', code: divide(1, NUMBER), expected: (a) => a / BigInt(NUMBER) },
  {
    name: 'a / negative number, which counts as positive',
    code: divide(1, -NUMBER),
    expected: (a) => a / u64(-BigInt(NUMBER)),
  },
  { name: 'a and b', code: and(1, register(2)), expected: (a, b) => a & b },
  { name: 'a and number', code: and(1, NUMBER), expected: (a) => a & BigInt(NUMBER) },
  { name: 'a and negative number', code: and(1, -NUMBER), expected: (a) => a & u64(-BigInt(NUMBER)) },
  { name: 'a xor b', code: xor(1, register(2)), expected: (a, b) => a ^ b },
  { name: 'a xor -1', code: xor(1, -1), expected: (a) => ~a },
  { name: 'a << b', code: shiftLeft(1, register(2)), expected: (a, b) => a << bits(b) },
  { name: 'a << 33', code: shiftLeft(1, 33), expected: (a) => a << 33n },
  { name: 'a >> b without a sign', code: shiftRight(1, register(2)), expected: (a, b) => a >> bits(b) },
  { name: 'a >> 33 without a sign', code: shiftRight(1, 33), expected: (a) => a >> 33n },
  ...([16, 32, 64] as const).map((width) => ({
    ...{ name: `the network order of ${width} bits`, code: toNetworkOrder(width, 1) },
    expected: (a: bigint) => swap(width, a),
  })),
  ...([8, 16, 32, 64] as const).flatMap((width) => [
    {
      name: `${width} bits of a through memory, next to b`,
      code: [
        store(64, 10, SCRATCH, register(2)),
        store(width, 10, SCRATCH, register(1)),
        load(64, 1, 10, SCRATCH),
      ],
      expected: (a: bigint, b: bigint) => ((b >> BigInt(width)) << BigInt(width)) | BigInt.asUintN(width, a),
    },
    {
      name: `${width} bits of memory, the others zero`,
      code: [store(64, 10, SCRATCH, register(1)), load(width, 1, 10, SCRATCH)],
      expected: (a: bigint) => BigInt.asUintN(width, a),
    },
    {
      name: `${width} bits of a negative number in memory, next to a`,
      code: [store(64, 10, SCRATCH, register(1)), store(width, 10, SCRATCH, -2), load(64, 1, 10, SCRATCH)],
      expected: (a: bigint) => ((a >> BigInt(width)) << BigInt(width)) | BigInt.asUintN(width, -2n),
    },
  ]),
  {
    name: 'a plus b in memory',
    code: [store(64, 10, SCRATCH, register(1)), atomicAdd(10, SCRATCH, 2), load(64, 1, 10, SCRATCH)],
    expected: (a, b) => a + b,
  },
  ...comparisons.flatMap(([condition, holds]) => [
    {
      name: `whether a ${condition} b`,
      code: taken(`a ${condition} b`, (target) => jumpIf(1, condition, register(2), target)),
      expected: (a: bigint, b: bigint) => BigInt(holds(a, b)),
    },
    {
      name: `whether a ${condition} number`,
      code: taken(`a ${condition} number`, (target) => jumpIf(1, condition, NUMBER, target)),
      expected: (a: bigint) => BigInt(holds(a, BigInt(NUMBER))),
    },
  ]),
  {
    name: 'what jumps forward, back and forward lead to',
    code: [
      jump('there'),
      label('back'),
      jump('out'),
      label('there'),
      xor(1, register(2)),
      jump('back'),
      label('out'),
      add(1, 1),
    ],
    expected: (a, b) => (a ^ b) + 1n,
  },
];

const edges = [0n, 1n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 1n << 63n, (1n << 64n) - 1n, BigInt(NUMBER)];
const random = fc.sample(fc.tuple(fc.bigInt(0n, (1n << 64n) - 1n), fc.bigInt(0n, (1n << 64n) - 1n)), 64);
const inputs = [...edges.flatMap((a) => edges.map((b) => [a, b] as const)), ...random];

/** An entry of the array: `a`, `b`, and a result for each operation. */
const ENTRY = { a: 0, b: 8, results: 16 } as const;
const entryBytes = ENTRY.results + 8 * operations.length;

/** Goes through the array, and fills in the results of each entry. */
function computeAll(entries: BpfMap): Code {
  const index = { register: 6, onStack: -4 } as const;
  return [
    move(index.register, 0),
    label('next entry'),
    store(32, 10, index.onStack, register(index.register)),
    findEntry(entries, index.onStack, 'end'),
    move(7, register(0)),
    operations.map(({ code }, number) => [
      load(64, 1, 7, ENTRY.a),
      load(64, 2, 7, ENTRY.b),
      code,
      store(64, 7, ENTRY.results + 8 * number, register(1)),
    ]),
    add(index.register, 1),
    jumpIf(index.register, '<', inputs.length, 'next entry'),
    label('end'),
    move(0, verdict.pass),
    exit,
  ];
}

const keyOf = (index: number) => new Uint8Array(Uint32Array.of(index).buffer);

/** By input, then by operation. */
let results: bigint[][];
beforeAll(async () => {
  using entries = createMap({
    type: 'array',
    keyBytes: 4,
    valueBytes: entryBytes,
    maxEntries: inputs.length,
  });
  inputs.forEach(([a, b], index) => {
    const entry = new BigUint64Array(entryBytes / 8).fill(0xdead_beef_dead_beefn);
    entry.set([a, b]);
    entries.set(keyOf(index), new Uint8Array(entry.buffer));
  });
  await using namespace = await createNamespace(`ftlab-${process.pid}-bpf-arithmetic`);
  using program = loadProgram(computeAll(entries), 'Dual MIT/GPL');
  // Namespaces come with their loopback device as number 1.
  using _ = inNamespace(namespace.path, () => program.attach(1, 'egress'));
  await namespace.run('ping', '-n', '-c', '1', '-W', '5', '127.0.0.1');
  results = inputs.map((_, index) => [...new BigUint64Array(entries.get(keyOf(index))!.buffer)].slice(2));
});

it
  .skipIf(await missingTcx())
  .for(operations.map(({ name, expected }, index) => [name, expected, index] as const))(
  'the kernel computes %s',
  ([, expected, index]) => {
    const hexOf = (value: bigint) => `0x${value.toString(16)}`;
    const computed = inputs.map(([a, b], input) => [a, b, results[input]![index]!].map(hexOf));
    expect(computed).toEqual(inputs.map(([a, b]) => [a, b, u64(expected(a, b))].map(hexOf)));
  },
);
