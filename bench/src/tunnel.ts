import { lengthenRoundTrip } from './delay.ts';
import { flanneldPair, hostPair, tunnelPair, type Pair } from './pairs.ts';
import { watchPath } from './path.ts';
import type { BenchContext, Benchmark, Figure, Traffic } from './report.ts';
import { measureIdleRtt, measureLoadedRtt } from './rtt.ts';
import { measureTcp } from './tcp.ts';
import { measureUdp } from './udp.ts';
import { checkFrames, FRAME_LENGTH, setUnderlay, type Underlay } from './underlay.ts';

const VXLAN = 'kernel vxlan';
const TUNNEL = 'tunnel, all offloads';
const FAST_PATH = 'tunnel, fast path';
const PER_CALL = 'tunnel, one packet per call';
/** By how much round trips get longer, in microseconds: from a rack to a region. */
const ROUND_TRIPS = [100, 300, 1_000];
const farther = (name: string, roundTrip: number) => `${name}, ${roundTrip} µs farther`;
const manyPeers = (name: string) => `${name}, 10,000 peers`;

type Measure = (pair: Pair, traffic: Traffic) => Promise<Figure[]>;

interface Case {
  readonly pair: Pair;
  readonly measures: readonly Measure[];
}

const tcp1: Measure = (pair, traffic) => measureTcp(pair, 1, traffic);
const tcp4: Measure = (pair, traffic) => measureTcp(pair, 4, traffic);
const udp1400: Measure = (pair, traffic) => measureUdp(pair, 1400, traffic);
const udp64: Measure = (pair, traffic) => measureUdp(pair, 64, traffic);
const measureAll = [tcp1, tcp4, udp1400, udp64, measureIdleRtt, measureLoadedRtt];

/** Each is divided by the other, figure by figure, within a round. */
const comparisons: readonly (readonly [string, string])[] = [
  [FAST_PATH, PER_CALL],
  [FAST_PATH, VXLAN],
  [TUNNEL, PER_CALL],
  [TUNNEL, VXLAN],
  ...ROUND_TRIPS.flatMap((roundTrip) =>
    [FAST_PATH, TUNNEL].map((name) => [farther(name, roundTrip), farther(VXLAN, roundTrip)] as const),
  ),
  [manyPeers(FAST_PATH), FAST_PATH],
  [manyPeers(TUNNEL), TUNNEL],
];

/** The tunnel against what else could carry the packets, and against itself without its offloads. */
export const tunnel: Benchmark = {
  name: 'tunnel',
  describe:
    'the UDP tunnel with its fast path, with offloads, and without, against kernel vxlan, host-gw and plain veth: TCP, UDP, round trips, CPU; ' +
    'over an underlay of super-packets and of real 1500-byte packets; and with 10,000 peers',
  async run(context) {
    await using stack = new AsyncDisposableStack();
    const cases = await createCases(stack);
    const others = [...(await createCasesOfManyPeers(stack)), ...(await createFartherCases(stack))];
    for (let round = 1; round <= context.rounds; round++) {
      await measureRound([...cases, ...others], 'super-packets', round, context);
      await measureRound(cases, '1500-byte packets', round, context);
      const onlyTcp = cases.map(({ pair }) => ({ pair, measures: [tcp1, tcp4] }));
      await measureRound(onlyTcp, '1500-byte packets, checksums and GRO by the device', round, context);
    }
  },
};

const fastPath = { offloads: 'auto', fastPath: true, peers: 2 } as const;
const offloads = { offloads: 'auto', fastPath: false, peers: 2 } as const;

async function createCases(stack: AsyncDisposableStack): Promise<Case[]> {
  const pairs = [
    await hostPair(stack, 'plain veth'),
    await flanneldPair(stack, 'host-gw', 'host-gw'),
    await flanneldPair(stack, VXLAN, 'vxlan'),
    await tunnelPair(stack, FAST_PATH, fastPath),
    await tunnelPair(stack, TUNNEL, offloads),
    await tunnelPair(stack, PER_CALL, { ...offloads, offloads: 'none' }),
  ];
  return pairs.map((pair) => ({ pair, measures: measureAll }));
}

async function createCasesOfManyPeers(stack: AsyncDisposableStack): Promise<Case[]> {
  const peers = 10_000;
  const pairs = [
    await tunnelPair(stack, manyPeers(FAST_PATH), { ...fastPath, peers }),
    await tunnelPair(stack, manyPeers(TUNNEL), { ...offloads, peers }),
  ];
  return pairs.map((pair) => ({ pair, measures: [tcp1, udp64] }));
}

async function createFartherCases(stack: AsyncDisposableStack): Promise<Case[]> {
  const pairs: Pair[] = [];
  for (const roundTrip of ROUND_TRIPS) {
    const all = [
      await flanneldPair(stack, farther(VXLAN, roundTrip), 'vxlan'),
      await tunnelPair(stack, farther(FAST_PATH, roundTrip), fastPath),
      await tunnelPair(stack, farther(TUNNEL, roundTrip), offloads),
    ];
    for (const pair of all) await lengthenRoundTrip(stack, pair, roundTrip);
    pairs.push(...all);
  }
  return pairs.map((pair) => ({ pair, measures: [tcp1, tcp4] }));
}

/** Measures all pairs one after the other, so that they meet the same machine, and compares them. */
async function measureRound(
  cases: readonly Case[],
  underlay: Underlay,
  round: number,
  { traffic, sample, progress }: BenchContext,
): Promise<void> {
  const suffix = underlay === 'super-packets' ? '' : `, ${underlay}`;
  const results = new Map<string, Figure[]>();
  for (const { pair, measures } of cases) {
    progress(`round ${round}: ${pair.name}${suffix}`);
    await setUnderlay(pair, underlay);
    const figures: Figure[] = [];
    const checkPath = await watchPath(pair);
    for (const measure of measures) figures.push(...(await measure(pair, traffic)));
    await checkPath();
    checkFrames(underlay, figures);
    for (const figure of figures) sample(`${pair.name}${suffix}`, figure);
    results.set(pair.name, figures);
  }
  for (const [of, to] of comparisons) {
    const ratios = divide(results.get(of) ?? [], results.get(to) ?? []);
    for (const ratio of ratios) sample(`${of} / ${to}${suffix}`, ratio);
  }
}

/** The figures that both have, divided. */
function divide(figures: readonly Figure[], by: readonly Figure[]): Figure[] {
  return figures.flatMap(({ metric, unit, value }) => {
    const divisor = by.find((other) => other.metric === metric)?.value ?? 0;
    return divisor > 0 && unit !== FRAME_LENGTH ? [{ metric, unit: '×', value: value / divisor }] : [];
  });
}
