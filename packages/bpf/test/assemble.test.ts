import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  add,
  and,
  assemble,
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
  type Code,
  type Condition,
  type Register,
  type Width,
} from '../src/index.ts';
import { fields, hex } from './support/hex.ts';

describe('encodes as other assemblers do', () => {
  it.for<[text: string, code: Code, bytes: string]>([
    ['r1 = r2', move(1, register(2)), 'bf 21 00 00 00 00 00 00'],
    ['r10 = r0', move(10, register(0)), 'bf 0a 00 00 00 00 00 00'],
    ['r1 = -1', move(1, -1), 'b7 01 00 00 ff ff ff ff'],
    ['r9 = -2147483648', move(9, -0x80000000), 'b7 09 00 00 00 00 00 80'],
    ['w1 = 0', move(1, 0), 'b4 01 00 00 00 00 00 00'],
    ['w1 = 2147483647', move(1, 0x7fffffff), 'b4 01 00 00 ff ff ff 7f'],
    ['r1 += r2', add(1, register(2)), '0f 21 00 00 00 00 00 00'],
    ['r1 += -5', add(1, -5), '07 01 00 00 fb ff ff ff'],
    ['r1 -= r2', subtract(1, register(2)), '1f 21 00 00 00 00 00 00'],
    ['r1 -= 5', subtract(1, 5), '17 01 00 00 05 00 00 00'],
    ['r1 *= r2', multiply(1, register(2)), '2f 21 00 00 00 00 00 00'],
    ['r1 *= 7', multiply(1, 7), '27 01 00 00 07 00 00 00'],
    ['r1 /= r2', divide(1, register(2)), '3f 21 00 00 00 00 00 00'],
    ['r1 /= 7', divide(1, 7), '37 01 00 00 07 00 00 00'],
    ['r1 &= r2', and(1, register(2)), '5f 21 00 00 00 00 00 00'],
    ['r1 &= 255', and(1, 0xff), '57 01 00 00 ff 00 00 00'],
    ['r1 ^= r2', xor(1, register(2)), 'af 21 00 00 00 00 00 00'],
    ['r1 ^= -1', xor(1, -1), 'a7 01 00 00 ff ff ff ff'],
    ['r1 <<= r2', shiftLeft(1, register(2)), '6f 21 00 00 00 00 00 00'],
    ['r1 <<= 63', shiftLeft(1, 63), '67 01 00 00 3f 00 00 00'],
    ['r1 >>= r2', shiftRight(1, register(2)), '7f 21 00 00 00 00 00 00'],
    ['r1 >>= 1', shiftRight(1, 1), '77 01 00 00 01 00 00 00'],
    ['r3 = be16 r3', toNetworkOrder(16, 3), 'dc 03 00 00 10 00 00 00'],
    ['r3 = be32 r3', toNetworkOrder(32, 3), 'dc 03 00 00 20 00 00 00'],
    ['r3 = be64 r3', toNetworkOrder(64, 3), 'dc 03 00 00 40 00 00 00'],
    ['r1 = *(u8 *)(r10 - 1)', load(8, 1, 10, -1), '71 a1 ff ff 00 00 00 00'],
    ['r1 = *(u16 *)(r10 - 2)', load(16, 1, 10, -2), '69 a1 fe ff 00 00 00 00'],
    ['r1 = *(u32 *)(r10 - 4)', load(32, 1, 10, -4), '61 a1 fc ff 00 00 00 00'],
    ['r1 = *(u64 *)(r10 - 8)', load(64, 1, 10, -8), '79 a1 f8 ff 00 00 00 00'],
    ['r0 = *(u32 *)(r9 + 32767)', load(32, 0, 9, 0x7fff), '61 90 ff 7f 00 00 00 00'],
    ['r0 = *(u32 *)(r9 - 32768)', load(32, 0, 9, -0x8000), '61 90 00 80 00 00 00 00'],
    ['*(u8 *)(r10 - 1) = r1', store(8, 10, -1, register(1)), '73 1a ff ff 00 00 00 00'],
    ['*(u16 *)(r10 - 2) = r1', store(16, 10, -2, register(1)), '6b 1a fe ff 00 00 00 00'],
    ['*(u32 *)(r10 - 4) = r1', store(32, 10, -4, register(1)), '63 1a fc ff 00 00 00 00'],
    ['*(u64 *)(r10 - 8) = r1', store(64, 10, -8, register(1)), '7b 1a f8 ff 00 00 00 00'],
    ['*(u8 *)(r10 - 1) = 1', store(8, 10, -1, 1), '72 0a ff ff 01 00 00 00'],
    ['*(u16 *)(r10 - 2) = 258', store(16, 10, -2, 0x102), '6a 0a fe ff 02 01 00 00'],
    ['*(u32 *)(r1 + 4) = 2147483647', store(32, 1, 4, 0x7fffffff), '62 01 04 00 ff ff ff 7f'],
    ['*(u64 *)(r10 - 8) = -1', store(64, 10, -8, -1), '7a 0a f8 ff ff ff ff ff'],
    ['lock *(u64 *)(r7 + 16) += r2', atomicAdd(7, 16, 2), 'db 27 10 00 00 00 00 00'],
    ['call 1', call(1), '85 00 00 00 01 00 00 00'],
    ['call 152', call(152), '85 00 00 00 98 00 00 00'],
    ['exit', exit, '95 00 00 00 00 00 00 00'],
  ])('%s', ([, code, bytes]) => {
    expect(hex(code)).toBe(bytes);
  });

  it.for<[condition: Condition, withRegister: string, withNumber: string]>([
    ['==', '1d 21 00 00 00 00 00 00', '15 01 00 00 03 00 00 00'],
    ['!=', '5d 21 00 00 00 00 00 00', '55 01 00 00 03 00 00 00'],
    ['>', '2d 21 00 00 00 00 00 00', '25 01 00 00 03 00 00 00'],
    ['>=', '3d 21 00 00 00 00 00 00', '35 01 00 00 03 00 00 00'],
    ['<', 'ad 21 00 00 00 00 00 00', 'a5 01 00 00 03 00 00 00'],
    ['<=', 'bd 21 00 00 00 00 00 00', 'b5 01 00 00 03 00 00 00'],
    ['&', '4d 21 00 00 00 00 00 00', '45 01 00 00 03 00 00 00'],
  ])('if r1 %s r2, if r1 %s 3', ([condition, withRegister, withNumber]) => {
    expect(hex([jumpIf(1, condition, register(2), 'behind'), label('behind')])).toBe(withRegister);
    expect(hex([jumpIf(1, condition, 3, 'behind'), label('behind')])).toBe(withNumber);
  });

  it('the address of a map, in two slots', () => {
    expect(hex(loadMap(1, { descriptor: 42 }))).toBe('18 11 00 00 2a 00 00 00 00 00 00 00 00 00 00 00');
  });

  it('nothing, in no bytes', () => {
    expect(hex([])).toBe('');
    expect(hex([[], label('nowhere'), [[]]])).toBe('');
  });
});

describe('a number', () => {
  it('of 2³¹ and more moves without its sign, by the 32-bit move', () => {
    // RFC 9669, section 4.1: 32-bit arithmetic clears the upper half; 64-bit arithmetic extends the sign.
    expect(hex(move(1, 0x80000000))).toBe('b4 01 00 00 00 00 00 80');
    expect(hex(move(1, 0xffffffff))).toBe('b4 01 00 00 ff ff ff ff');
  });

  it('that has 32 bits goes through every instruction as it is', () => {
    const signed = fc.integer({ min: -0x80000000, max: 0x7fffffff });
    const takesSigned = fc.constantFrom<(value: number) => Code>(
      (value) => add(1, value),
      (value) => subtract(1, value),
      (value) => multiply(1, value),
      (value) => divide(1, value),
      (value) => and(1, value),
      (value) => xor(1, value),
      (value) => store(64, 1, 0, value),
    );
    fc.assert(
      fc.property(takesSigned, signed, (instruction, value) => {
        expect(fields(instruction(value))[0]).toMatchObject({ immediate: value, offset: 0, source: 0 });
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: -0x80000000, max: 0xffffffff }), (value) => {
        const [{ opcode, immediate }] = fields(move(1, value)) as [ReturnType<typeof fields>[0]];
        // What the machine makes of it (RFC 9669, section 4.1).
        const moved = BigInt.asUintN(opcode === 0xb7 ? 64 : 32, BigInt(immediate));
        expect([0xb7, 0xb4]).toContain(opcode);
        expect(moved).toBe(BigInt.asUintN(64, BigInt(value)));
      }),
    );
    fc.assert(
      fc.property(fc.nat(0x7fffffff), (value) => {
        const [instruction] = fields([jumpIf(1, '<', value, 'here'), label('here')]);
        expect(instruction!.immediate).toBe(value);
      }),
    );
  });

  const signed = 'an integer from -2147483648 to 2147483647';
  it.for<[text: string, code: () => unknown, message: string]>([
    ['move 2³²', () => move(1, 2 ** 32), '4294967296 is not an integer from 0 to 4294967295'],
    ['move -2³¹ - 1', () => move(1, -(2 ** 31) - 1), `-2147483649 is not ${signed}`],
    ['move half', () => move(1, 0.5), '0.5 is not an integer from 0 to 4294967295'],
    ['move none', () => move(1, NaN), 'NaN is not an integer from 0 to 4294967295'],
    ['add 2³¹', () => add(1, 2 ** 31), `2147483648 is not ${signed}`],
    ['subtract -2³¹ - 1', () => subtract(1, -(2 ** 31) - 1), `-2147483649 is not ${signed}`],
    ['multiply by half', () => multiply(1, 0.5), `0.5 is not ${signed}`],
    ['divide by 2³¹', () => divide(1, 2 ** 31), `2147483648 is not ${signed}`],
    ['and 2³² - 1', () => and(1, 0xffffffff), `4294967295 is not ${signed}`],
    ['xor 2³² - 1', () => xor(1, 0xffffffff), `4294967295 is not ${signed}`],
    ['shift left by none', () => shiftLeft(1, NaN), `NaN is not ${signed}`],
    ['shift right endlessly', () => shiftRight(1, Infinity), `Infinity is not ${signed}`],
    ['store 2³¹', () => store(32, 1, 0, 2 ** 31), `2147483648 is not ${signed}`],
    ['compare with -1', () => jumpIf(1, '<', -1, ''), '-1 is not an integer from 0 to 2147483647'],
    [
      'compare with 2³¹',
      () => jumpIf(1, '<', 2 ** 31, ''),
      '2147483648 is not an integer from 0 to 2147483647',
    ],
    ['call 2³¹', () => assemble(call(2 ** 31)), 'the immediate 2147483648 does not fit 32 bits'],
    ['call none', () => assemble(call(NaN)), 'the immediate NaN does not fit 32 bits'],
  ])('that the instruction cannot hold is refused: %s', ([, code, message]) => {
    expect(code).toThrow(new RangeError(message));
  });
});

describe('an offset', () => {
  const offset = fc.integer({ min: -0x8000, max: 0x7fff });
  const any = fc.integer({ min: 0, max: 10 }) as fc.Arbitrary<Register>;
  const width = fc.constantFrom<Width>(8, 16, 32, 64);

  it('and the registers go through loads and stores as they are', () => {
    fc.assert(
      fc.property(width, any, any, offset, (bits, a, b, bytes) => {
        const both = { destination: a, source: b, offset: bytes, immediate: 0 };
        expect(fields(load(bits, a, b, bytes))).toMatchObject([both]);
        expect(fields(store(bits, a, bytes, register(b)))).toMatchObject([both]);
        expect(fields(atomicAdd(a, bytes, b))).toMatchObject([both]);
        expect(fields(store(bits, a, bytes, 7))).toMatchObject([{ ...both, source: 0, immediate: 7 }]);
      }),
    );
  });

  it.for([-0x8001, 0x8000, 0x10000, 2 ** 32, 1.5, NaN])('of %d is refused', (bytes) => {
    const error = new RangeError(`the offset ${bytes} does not fit 16 bits`);
    expect(() => assemble(load(8, 1, 2, bytes))).toThrow(error);
    expect(() => assemble(store(8, 1, bytes, 0))).toThrow(error);
    expect(() => assemble(store(8, 1, bytes, register(0)))).toThrow(error);
    expect(() => assemble(atomicAdd(1, bytes, 0))).toThrow(error);
  });
});

describe('a jump', () => {
  const steps = (count: number) => Array.from({ length: count }, () => move(0, 0));
  const distances = (code: Code) =>
    fields(code).flatMap(({ opcode, offset }) => ((opcode & 7) === 5 && opcode !== 0x95 ? [offset] : []));

  it('leads forward over the instructions between', () => {
    expect(hex([jump('end'), move(0, 1), move(0, 2), label('end'), exit])).toBe(
      [
        '05 00 02 00 00 00 00 00',
        'b4 00 00 00 01 00 00 00',
        'b4 00 00 00 02 00 00 00',
        '95 00 00 00 00 00 00 00',
      ].join(' '),
    );
  });

  it('leads backward, over itself too', () => {
    expect(hex([label('again'), add(1, 1), jumpIf(1, '<', 9, 'again'), exit])).toBe(
      ['07 01 00 00 01 00 00 00', 'a5 01 fe ff 09 00 00 00', '95 00 00 00 00 00 00 00'].join(' '),
    );
    expect(distances([label('forever'), jump('forever')])).toEqual([-1]);
  });

  it('counts two slots for the address of a map', () => {
    expect(distances([jump('end'), loadMap(1, { descriptor: 3 }), label('end'), exit])).toEqual([2]);
  });

  it('finds its label at any depth, and several labels at one place', () => {
    const code = [[jump('a'), [jump('b')]], [[[move(0, 0)]], [label('a'), [label('b')]]], exit];
    expect(distances(code)).toEqual([2, 1]);
  });

  it('leads as far as 16 bits count, and no further', () => {
    expect(distances([jump('end'), steps(0x7fff), label('end')])).toEqual([0x7fff]);
    expect(distances([label('begin'), steps(0x7fff), jump('begin')])).toEqual([-0x8000]);
    expect(() => assemble([jump('end'), steps(0x8000), label('end')])).toThrow(
      new RangeError('the offset 32768 does not fit 16 bits'),
    );
    expect(() => assemble([label('begin'), steps(0x8000), jump('begin')])).toThrow(
      new RangeError('the offset -32769 does not fit 16 bits'),
    );
  });

  it('without its label is refused', () => {
    expect(() => assemble([jump('end'), label('and'), exit])).toThrow(
      new RangeError('there is no label end'),
    );
    expect(() => assemble([jumpIf(0, '==', 0, 'toString'), exit])).toThrow(
      new RangeError('there is no label toString'),
    );
  });

  it('to a label that is there twice is refused, and so is the label without a jump', () => {
    const error = new RangeError('the label end is there twice');
    expect(() => assemble([jump('end'), label('end'), exit, label('end'), exit])).toThrow(error);
    expect(() => assemble([label('end'), [[exit, label('end')]]])).toThrow(error);
  });

  it('goes from the instruction behind it to the label, in any program', () => {
    fc.assert(
      fc.property(program, (parts) => {
        const flat = parts.flat(Infinity as 1) as readonly Leaf[];
        const labels = flat.filter(({ kind }) => kind === 'label');
        const target = ({ pick }: Leaf) => `${labels.length === 0 ? 'last' : pick % labels.length}`;
        let named = 0;
        const build = (part: Part): Code => {
          if (isNested(part)) return part.map(build);
          if (part.kind === 'label') return label(`${named++}`);
          if (part.kind === 'jump') return jump(target(part));
          if (part.kind === 'jumpIf') return jumpIf(1, '==', register(2), target(part));
          return part.kind === 'map' ? loadMap(1, { descriptor: 3 }) : move(1, register(2));
        };

        const places = new Map<string, number>();
        const expected: (string | undefined)[] = [];
        for (const leaf of flat) {
          if (leaf.kind === 'label') places.set(`${places.size}`, expected.length);
          else if (leaf.kind === 'map') expected.push(undefined, undefined);
          else expected.push(leaf.kind === 'move' ? undefined : target(leaf));
        }
        places.set('last', expected.length);

        const instructions = fields([parts.map(build), label('last')]);
        expect(instructions.map(({ offset }) => offset)).toEqual(
          expected.map((name, index) => (name === undefined ? 0 : places.get(name)! - index - 1)),
        );
      }),
    );
  });
});

interface Leaf {
  readonly kind: 'label' | 'jump' | 'jumpIf' | 'map' | 'move';
  /** Which label a jump leads to. */
  readonly pick: number;
}

type Part = Leaf | readonly Part[];

const isNested = (part: Part): part is readonly Part[] => Array.isArray(part);

const leaf: fc.Arbitrary<Leaf> = fc.record({
  kind: fc.constantFrom<Leaf['kind']>('label', 'jump', 'jumpIf', 'map', 'move'),
  pick: fc.nat(),
});

/** Parts of a program, nested as it happens. */
const { program } = fc.letrec<{ part: Part; program: readonly Part[] }>((tie) => ({
  part: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tie('program')),
  program: fc.array(tie('part'), { maxLength: 20 }),
}));
