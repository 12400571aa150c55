import { parseSubnetKey } from '@flannel-ts/ip';
import type { LeaseChange } from '@flannel-ts/subnet';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createConditions } from '../src/conditions.ts';
import { createPeersCondition } from '../src/peers-condition.ts';

const subnets = (number: number) => parseSubnetKey(`10.5.${number}.0-24`);
const damaged = (number: number): LeaseChange => ({
  kind: 'unreadable',
  lease: { subnets: subnets(number), revision: '1', reason: 'not valid JSON' },
});

it('names the leases that are not followed, a few of them with the reason', () => {
  const conditions = createConditions({ log: pino({ level: 'silent' }) });
  const peers = createPeersCondition(conditions);
  const condition = () =>
    conditions
      .list()
      .map(({ state, reason }) => `${state}: ${reason}`)
      .join();
  peers.update([damaged(1)], new Map());
  expect(condition()).toBe('degraded: 1 lease is not followed: 10.5.1.0-24: not valid JSON');
  const skipped = new Map([2, 3, 4].map((number) => [`10.5.${number}.0-24`, 'it has another VNI']));
  peers.update([], skipped);
  expect(condition()).toBe(
    'degraded: 4 leases are not followed: 10.5.1.0-24: not valid JSON; 10.5.2.0-24: it has another VNI; ' +
      '10.5.3.0-24: it has another VNI; and 1 more',
  );
  peers.update([{ kind: 'removed', subnets: subnets(1) }], new Map());
  expect(condition()).toBe('ok: ');
});
