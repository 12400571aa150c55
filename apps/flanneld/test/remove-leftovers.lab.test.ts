import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNamespace, type Namespace } from '@flannel-ts/lab';
import { inNamespace, openNetlinkPort } from '@flannel-ts/native';
import { createNetlink, type NetlinkConnection } from '@flannel-ts/netlink';
import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { pino } from 'pino';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { madeText, openMadeRecord, type Made, type MadeRecord } from '../src/made-record.ts';
import { removeLeftovers } from '../src/remove-leftovers.ts';

const SUBNET = '10.5.9.0/24';

let host: Namespace;
let netlink: NetlinkConnection;
let record: MadeRecord;
let lines: string[];
const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });

beforeEach(async () => {
  const stack = new AsyncDisposableStack();
  onTestFinished(() => stack.disposeAsync());
  host = stack.use(await createNamespace(`ftlab-${process.pid}-leftovers`));
  await host.run('ip', 'link', 'add', 'eth0', 'type', 'bridge');
  await host.run('ip', 'address', 'add', '192.168.7.1/24', 'dev', 'eth0');
  await host.run('ip', 'link', 'set', 'eth0', 'up');
  netlink = stack.use(
    createNetlink({ openPort: (options) => inNamespace(host.path, () => openNetlinkPort(options)) }),
  );
  lines = [];
  const directory = await mkdtemp(join(tmpdir(), 'leftovers-'));
  stack.defer(() => rm(directory, { recursive: true }));
  record = openMadeRecord(join(directory, 'subnet.env'));
});

const route = (destination: string, gateway: string) =>
  ({ kind: 'route', destination: parsePrefix(destination), gateway: parseAddress(gateway) }) as const;

it('takes a former route for removed when a peer’s new one has replaced it meanwhile', async () => {
  await host.run('ip', 'route', 'add', SUBNET, 'via', '192.168.7.2');
  record.add([route(SUBNET, '192.168.7.2')]);
  await removeLeftovers(
    {
      netlink: {
        ...netlink,
        async routes(filter) {
          const routes = await netlink.routes(filter);
          await host.run('ip', 'route', 'replace', SUBNET, 'via', '192.168.7.3');
          return routes;
        },
      },
      device: { desired: () => new Set<string>() },
      log,
    },
    { former: { overlays: [], record }, links: [] },
  );
  expect(lines).toEqual([]);
  expect(await host.run('ip', 'route', 'show', SUBNET)).toContain('via 192.168.7.3');
});

it('has recorded what is there afterwards, and no more', async () => {
  const removed = route(SUBNET, '192.168.7.2');
  const kept = route('10.5.8.0/24', '192.168.7.2');
  const gone = route('10.5.7.0/24', '192.168.7.2');
  for (const { destination, gateway } of [removed, kept])
    await host.run('ip', 'route', 'add', destination.toString(), 'via', gateway.toString());
  const links: Made[] = ['flannel.1', 'flannel.2'].map((name) => ({ kind: 'link', name }));
  record.add([removed, kept, gone, ...links]);
  await removeLeftovers(
    { netlink, device: { desired: () => new Set([madeText(kept)]) }, log },
    { former: { overlays: [], record }, links: ['flannel.1'] },
  );
  expect([removed, kept, gone, ...links].filter((made) => record.has(made))).toEqual([kept, links[0]]);
  // Another program's from now on, whatever the daemon made there before.
  await host.run('ip', 'route', 'add', SUBNET, 'via', '192.168.7.2');
  await removeLeftovers(
    { netlink, device: { desired: () => new Set([madeText(kept)]) }, log },
    { former: { overlays: [], record }, links: ['flannel.1'] },
  );
  expect(await host.run('ip', 'route', 'show', SUBNET)).toContain('via 192.168.7.2');
});
