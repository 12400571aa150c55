import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import type { Registry, RegistryEntry } from '@flannel-ts/subnet';
import { describe, expect, it } from 'vitest';
import { checkRegisters, recordOperations, type Operation } from '../src/index.ts';
import { createRandom, type RandomSource } from '../src/world/random.ts';
import { createRegistryWorld } from './support/registry-world.ts';

const KEYS = ['10.5.1.0-24', '10.5.2.0-24'];
const CLIENTS = 4;
const CALLS = 40;

/** What clients saw that read, create, update and delete at random, over a network that loses and delays. */
async function recordHistory(seed: string): Promise<Operation[]> {
  const world = createRegistryWorld({ seed });
  const { scheduler } = world;
  const history: Operation[] = [];
  const clients = Array.from({ length: CLIENTS }, async (_, index) => {
    const client = `client-${index}`;
    const random = createRandom(`${seed}/${client}`);
    const lossy = { lostRequests: 0.05, lostReplies: 0.05, latencyMs: 500 };
    const registry = recordOperations(world.open(client, lossy), {
      ...{ client, history, now: () => scheduler.now },
    });
    for (let call = 0; call < CALLS; call++) {
      await callAtRandom(registry, random, index).catch((error: unknown) => {
        if (!(error instanceof Error && /Lease|Unavailable/.test(error.name))) throw error;
      });
    }
  });
  await Promise.all([scheduler.run(24 * 3_600_000), ...clients]);
  return history;
}

const known = new WeakMap<Registry, RegistryEntry>();

async function callAtRandom(registry: Registry, random: RandomSource, host: number): Promise<void> {
  const subnets = parseSubnetKey(random.pick(KEYS));
  const ttlMs = random.pick([undefined, 2000]);
  const attributes = { publicIp: { ipv4: parseAddress(`192.0.2.${host + 1}`) }, backendData: random.next() };
  const remember = (entry: RegistryEntry | undefined) => entry && known.set(registry, entry);
  const last = known.get(registry);
  const calls = [
    async () => remember(await registry.readLease(subnets)),
    async () => remember(await registry.createLease({ subnets, attributes, ttlMs })),
    async () => last && remember(await registry.updateLease(last, { attributes, ttlMs })),
    async () => last && registry.deleteLease(last),
  ];
  await random.pick(calls)();
}

/** The history with one outcome that is not what came back. */
function falsify(history: readonly Operation[], random: RandomSource): readonly Operation[] {
  const seen = history.filter(({ outcome }) => outcome.kind === 'seen' || outcome.kind === 'refused');
  const chosen = random.pick(seen);
  const { request, outcome } = chosen;
  const wrong =
    outcome.kind === 'refused'
      ? { ...chosen, outcome: { kind: 'ok' as const, revision: 'invented' } }
      : { ...chosen, request, outcome: { kind: 'seen' as const, seen: outOfTime(history, chosen) } };
  return history.map((operation) => (operation === chosen ? wrong : operation));
}

/** A version that was not there when an operation was called: the first one, or nothing. */
function outOfTime(history: readonly Operation[], { key, outcome }: Operation) {
  if (outcome.kind === 'seen' && outcome.seen !== 'nothing') return 'nothing' as const;
  const first = history.find((other) => other.key === key && other.outcome.kind === 'ok');
  const value = first && 'value' in first.request ? first.request.value : '';
  const revision = first?.outcome.kind === 'ok' ? (first.outcome.revision ?? '') : '';
  return { revision, value };
}

const SEEDS = Array.from({ length: 40 }, (_, index) => `history ${index}`);

describe('histories of a linearizable registry over a bad network', () => {
  it('are linearizable', async () => {
    for (const seed of SEEDS) {
      const history = await recordHistory(seed);
      expect(history.length).toBeGreaterThan(100);
      expect({ seed, ...checkRegisters(history) }).toEqual({ seed, kind: 'linearizable' });
    }
  });

  it('are mostly not linearizable when one outcome is changed', async () => {
    let found = 0;
    for (const seed of SEEDS) {
      const history = falsify(await recordHistory(seed), createRandom(`${seed}/falsify`));
      if (checkRegisters(history).kind === 'violation') found++;
    }
    expect(found).toBeGreaterThan(0.7 * SEEDS.length);
  });
});
