import { parseAddress, Prefix } from '@flannel-ts/ip';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Operation } from '../src/index.ts';
import { createHost, type Host } from './support/host.ts';

const PEERS = 10_000;

let host: Host;
let vx: number;
beforeEach(async () => {
  host = await createHost();
  await host.namespace.run('ip', 'link', 'add', 'vx', 'type', 'vxlan', 'id', '1', 'dstport', '8472');
  await host.namespace.run('ip', 'link', 'set', 'vx', 'up');
  vx = (await host.link('vx')).index;
});
afterEach(() => host[Symbol.asyncDispose]());

function peer(index: number): Operation[] {
  const destination = new Prefix(parseAddress('10.100.0.0'), 24).offset(index);
  const gateway = destination.network;
  const mac = `02:00:00:00:${hex(index >> 8)}:${hex(index & 255)}`;
  const fixed = { kind: 'unicast', scope: 'global', table: 254, protocol: 3, multipath: false } as const;
  return [
    { op: 'put-neighbour', neighbour: { linkIndex: vx, address: gateway, mac, permanent: true } },
    {
      op: 'put-fdb',
      entry: { linkIndex: vx, mac, destination: parseAddress('172.20.0.0').offset(index), permanent: true },
    },
    { op: 'put-route', route: { ...fixed, destination, gateway, linkIndex: vx, onlink: true } },
  ];
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

it(`${PEERS} peers are programmed and read back`, async () => {
  const operations = Array.from({ length: PEERS }, (_, index) => peer(index)).flat();
  const errors = (await host.netlink.batch(operations)).filter((error) => error !== undefined);
  expect(errors).toEqual([]);
  const filter = { linkIndex: vx, family: 4 } as const;
  const dumps = await Promise.all([
    host.netlink.routes(filter),
    host.netlink.neighbours(filter),
    host.netlink.fdb(filter),
  ]);
  expect(
    dumps.map((dump) => dump.filter((entry) => !('permanent' in entry) || entry.permanent).length),
  ).toEqual([PEERS, PEERS, PEERS]);
  const lines = await host.namespace.run('ip', 'route', 'show', 'dev', 'vx');
  expect(lines.trim().split('\n')).toHaveLength(PEERS);
});
