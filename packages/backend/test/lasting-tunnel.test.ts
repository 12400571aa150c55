import { parseAddress, parseInterfaceAddress, parsePrefix } from '@flannel-ts/ip';
import type { TunnelRoute } from '@flannel-ts/tunnel';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { BackendEvent } from '../src/index.ts';
import { openLastingTunnel } from '../src/lasting-tunnel.ts';
import { createFakeTunnel } from './support/fake-tunnel.ts';

let fake: ReturnType<typeof createFakeTunnel>;
let events: BackendEvent['kind'][];
let tunnel: ReturnType<typeof openLastingTunnel>;

function route(number: number): TunnelRoute {
  const peer = { address: parseAddress(`192.0.2.${number}`), port: 8285 };
  return { destination: parsePrefix(`10.5.${number}.0/24`), peer };
}

beforeEach(() => {
  vi.useFakeTimers();
  fake = createFakeTunnel();
  events = [];
  const socket = { address: parseAddress('192.0.2.1'), port: 8285 };
  tunnel = openLastingTunnel(
    { openTunnel: fake.open, onEvent: ({ kind }) => events.push(kind) },
    { tun: { name: 'flannel0', mtu: 1472 }, socket },
  );
  tunnel.setOwn([parseInterfaceAddress('10.5.1.0/24')]);
  tunnel.setRoutes([route(2), route(3)]);
});
afterEach(async () => {
  await tunnel[Symbol.asyncDispose]();
  await vi.runAllTimersAsync();
  expect(fake.state()).toBeUndefined();
  vi.useRealTimers();
});

it('is opened again at once, with everything that it knew', () => {
  tunnel.updateRoutes({ add: [route(4)], remove: [route(2).destination] });
  const before = fake.state();
  expect(before).toEqual(['own 10.5.1.0/24', '10.5.3.0/24 192.0.2.3:8285', '10.5.4.0/24 192.0.2.4:8285']);
  fake.fail();
  expect(fake.state()).toEqual(before);
  expect(events).toEqual(['tunnel-failed', 'tunnel-reopened']);
});

it('takes in changes while it cannot be opened, and says once that it cannot', async () => {
  fake.refuse(5);
  fake.fail();
  tunnel.updateRoutes({ add: [route(4)], remove: [route(2).destination] });
  await vi.advanceTimersByTimeAsync(4_000);
  expect(fake.state()).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(fake.state()).toEqual([
    'own 10.5.1.0/24',
    '10.5.3.0/24 192.0.2.3:8285',
    '10.5.4.0/24 192.0.2.4:8285',
  ]);
  expect(events).toEqual(['tunnel-failed', 'tunnel-failed', 'tunnel-reopened']);
});

it('takes in a whole new table while it cannot be opened', async () => {
  fake.refuse(1);
  fake.fail();
  tunnel.setOwn([parseInterfaceAddress('10.5.9.0/24')]);
  tunnel.setRoutes([route(5)]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(fake.state()).toEqual(['own 10.5.9.0/24', '10.5.5.0/24 192.0.2.5:8285']);
});

it('tells the counts of before while it is closed', () => {
  fake.carry();
  fake.refuse(1);
  fake.fail();
  expect(tunnel.stats().sent.packets).toBe(1);
});

it('is not opened again after it was closed', async () => {
  fake.refuse(1);
  fake.fail();
  await tunnel[Symbol.asyncDispose]();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(fake.opened).toHaveLength(1);
});
