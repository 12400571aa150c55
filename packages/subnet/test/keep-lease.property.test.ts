import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  isReadable,
  isSameHost,
  LeaseLostError,
  RegistryUnavailableError,
  type Registry,
} from '../src/index.ts';
import { attributes, foreign, KEY, rival, startKeeper } from './support/keeper.ts';

const MINUTE_MS = 60_000;
const TTL_MS = 20 * MINUTE_MS;

/** How the next calls of the registry go wrong: the request is lost, or its answer. */
interface Fault {
  calls: number;
  readonly lost: 'request' | 'answer';
}

const action = fc.oneof(
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 2 * TTL_MS }) }),
  fc.record({ kind: fc.constant('suspend' as const), ms: fc.integer({ min: 1, max: 2 * TTL_MS }) }),
  fc.record({
    kind: fc.constant('fail' as const),
    calls: fc.integer({ min: 1, max: 10 }),
    lost: fc.constantFrom('request' as const, 'answer' as const),
  }),
  fc.record({ kind: fc.constant('publish' as const), number: fc.nat(3) }),
  fc.record({ kind: fc.constant('write' as const), value: fc.constantFrom('not JSON', rival, foreign) }),
  fc.record({ kind: fc.constant('delete' as const) }),
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** A keeper behind a registry with faults, fed by a watch. */
async function setUp(random: () => number) {
  let fault: Fault = { calls: 0, lost: 'request' };
  const overwritten: string[] = [];

  async function call<T>(request: () => Promise<T>): Promise<T> {
    const isFaulty = fault.calls-- > 0;
    if (isFaulty && fault.lost === 'request') throw new RegistryUnavailableError('no answer');
    const answer = await request();
    if (isFaulty) throw new RegistryUnavailableError('no answer');
    return answer;
  }

  /** Notes a write that takes what belongs to another host. */
  async function check(registry: Registry, revision: string): Promise<void> {
    const current = await registry.readLease(context.lease.subnets);
    const isForeign = current && isReadable(current) && !isSameHost(current.attributes, attributes, [4]);
    if (isForeign && current.revision === revision) overwritten.push(revision);
  }

  const change = (registry: Registry): Registry => ({
    ...registry,
    readLease: (...args) => call(() => registry.readLease(...args)),
    createLease: (...args) => call(() => registry.createLease(...args)),
    updateLease: (...args) =>
      call(async () => {
        await check(registry, args[0].revision);
        return registry.updateLease(...args);
      }),
  });
  const context = await startKeeper({ ttlMs: TTL_MS, renewMarginMs: 3 * MINUTE_MS, random, change });
  const watching = (async () => {
    for await (const event of context.registry.watchLeases({ signal: context.stop.signal })) {
      context.keeper.observe(event);
    }
  })();
  const state = { lost: undefined as unknown };
  context.keeper.done.catch((error: unknown) => (state.lost = error));
  return {
    ...context,
    overwritten,
    state,
    fail: (next: Fault) => (fault = { ...next }),
    async [Symbol.asyncDispose]() {
      context.stop.abort();
      await watching;
    },
  };
}

const numbered = (number: number) => ({ ...attributes, backendType: 'vxlan', backendData: { number } });

it('keeps its lease through faults, pauses and other writers, and never takes one of another host', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 12 }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      async (actions, numbers) => {
        await using context = await setUp(() => numbers.next().value as number);
        const { keeper, store, clock, storeClock, advance, state } = context;
        let desired = attributes;

        const perform: { readonly [K in Action['kind']]: (a: Extract<Action, { kind: K }>) => unknown } = {
          pass: ({ ms }) => advance(ms),
          suspend: ({ ms }) => (clock.suspend(ms), storeClock.advance(ms)),
          fail: ({ calls, lost }) => context.fail({ calls, lost }),
          publish: ({ number }) => keeper.publish((desired = numbered(number))),
          write: ({ value }) => store.writeEntry(KEY, value),
          delete: () => store.deleteEntry(KEY),
        };
        for (const item of actions) {
          await (perform[item.kind] as (a: Action) => unknown)(item);
          await clock.advance(0);
        }
        context.fail({ calls: 0, lost: 'request' });
        await advance(3 * MINUTE_MS);

        expect(context.overwritten).toEqual([]);
        if (state.lost) {
          expect(state.lost).toBeInstanceOf(LeaseLostError);
          expect(actions).toContainEqual({ kind: 'write', value: foreign });
        } else {
          await keeper.verified();
          const stored = await context.stored();
          expect(stored).toEqual({ ...keeper.lease, expiresAt: stored!.expiresAt });
          expect(stored!.attributes).toEqual(desired);
        }
      },
    ),
    { numRuns: 300 },
  );
});
