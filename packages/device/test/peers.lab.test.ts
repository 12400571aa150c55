import { parseAddress, Prefix } from '@flannel-ts/ip';
import { expect, it } from 'vitest';
import type { HostState } from '../src/index.ts';
import { createHost, desired, ownership, self } from './support/host.ts';

const PEERS = 2_000;
const link = 'flannel.1';

function peer(index: number, mac = macOf(index)): HostState {
  const destination = new Prefix(parseAddress('10.100.0.0'), 24).offset(index);
  return {
    neighbours: [{ link, address: destination.network, mac }],
    fdb: [{ link, mac, destination: parseAddress('172.20.0.0').offset(index) }],
    routes: [{ destination, gateway: destination.network, link, onlink: true }],
  };
}

function macOf(index: number): string {
  const bytes = [2, 0, 0, 0, index >> 8, index & 255];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

it(`keeps ${PEERS} peers, and a change costs what it changes`, async () => {
  await using host = await createHost();
  const { device } = host;
  const peers = Array.from({ length: PEERS }, (_, index) => [`peer ${index}`, peer(index)] as const);
  await device.apply(desired({ self, ...Object.fromEntries(peers) }), ownership);
  await device.reconcile();
  expect(host.events).toEqual([]);
  const count = async (command: string) => (await host.lines(command)).length;
  expect(await count('ip route show dev flannel.1')).toBe(PEERS);
  expect(await count('ip neighbour show dev flannel.1 nud permanent')).toBe(PEERS);
  expect(await count('bridge fdb show dev flannel.1')).toBe(PEERS);

  const before = process.cpuUsage();
  for (let index = 0; index < 20; index++) {
    await device.update(desired({ [`peer ${index}`]: peer(index, macOf(PEERS + index)) }));
  }
  const { user, system } = process.cpuUsage(before);
  // About 1 ms of CPU each, whatever the number of peers.
  expect((user + system) / 1_000 / 20).toBeLessThan(50);
  expect(await count('bridge fdb show dev flannel.1')).toBe(PEERS);

  await device.apply(desired({ self }), ownership);
  expect(await count('ip route show dev flannel.1')).toBe(0);
  expect(await count('bridge fdb show dev flannel.1')).toBe(0);
});
