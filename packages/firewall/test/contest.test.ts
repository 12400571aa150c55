import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createFirewall, ObstacleError, type FirewallEvent } from '../src/index.ts';
import { createMemoryIptables } from './support/memory-iptables.ts';
import { desiredRules } from './support/rules.ts';

const MINUTE_MS = 60_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A firewall whose chain FLANNEL-FWD of IPv4 another program empties after every change, until it is stopped. */
async function createContest() {
  let goesOn = true;
  const iptables = createMemoryIptables(() => {
    if (goesOn) iptables.tables.get('filter')!.chains.set('FLANNEL-FWD', []);
  });
  const events: FirewallEvent[] = [];
  const firewall = createFirewall(
    { run: iptables.run, onEvent: (event) => events.push(event), random: () => 1 },
    { tool: 'iptables', resyncMs: 1_000 },
  );
  await firewall.apply(desiredRules(1));
  return {
    iptables,
    events,
    stop: () => (goesOn = false),
    [Symbol.asyncDispose]: () => firewall[Symbol.asyncDispose](),
  };
}

const namesContest = (event: FirewallEvent) =>
  event.kind === 'obstacles' &&
  event.obstacles.length === 1 &&
  event.obstacles[0] instanceof ObstacleError &&
  event.obstacles[0].message.includes(
    'another program keeps changing the rules (filter of IPv4: FLANNEL-FWD lacks',
  );

it('repairs back off to one a minute while another program undoes each, and the contest is reported once', async () => {
  await using contest = await createContest();
  const { events, iptables } = contest;
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
  expect(events.filter(namesContest)).toHaveLength(1);
  // Ten at once, then after 1, 2, 4, … 32 s, and then every minute.
  expect(events.filter(({ kind }) => kind === 'repaired')).toHaveLength(10);
  expect(events).toHaveLength(11);
  const before = iptables.restored.length;
  expect(before).toBeLessThan(40);
  await vi.advanceTimersByTimeAsync(60 * MINUTE_MS);
  expect(iptables.restored.length - before).toBeGreaterThan(55);
  expect(iptables.restored.length - before).toBeLessThanOrEqual(60);
  expect(events).toHaveLength(11);
});

it('rules that no one contests are repaired at once meanwhile', async () => {
  await using contest = await createContest();
  const { events, iptables } = contest;
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
  iptables.tables.get('nat')!.chains.set('FLANNEL-POSTRTG', []);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(iptables.tables.get('nat')!.chains.get('FLANNEL-POSTRTG')).not.toEqual([]);
  expect(events.at(-1)).toMatchObject({ kind: 'repaired', problems: [{ table: 'nat' }, {}, {}, {}, {}, {}] });
});

it('a contest ends with a minute of quiet, is reported as ended, and drift is repaired at once again', async () => {
  await using contest = await createContest();
  const { events, iptables } = contest;
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
  contest.stop();
  await vi.advanceTimersByTimeAsync(2 * MINUTE_MS);
  expect(iptables.tables.get('filter')!.chains.get('FLANNEL-FWD')).toHaveLength(2);
  expect(events.at(-1)).toMatchObject({ kind: 'obstacles', obstacles: [{}] });
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(events.at(-1)).toEqual({ kind: 'obstacles', obstacles: [] });
  iptables.tables.get('filter')!.chains.set('FLANNEL-FWD', []);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(events.at(-1)).toMatchObject({ kind: 'repaired' });
  expect(iptables.tables.get('filter')!.chains.get('FLANNEL-FWD')).toHaveLength(2);
});
