import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNamespace } from '@flannel-ts/lab';
import { inNamespace, openNetlinkPort } from '@flannel-ts/native';
import { createNetlink } from '@flannel-ts/netlink';
import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { openMadeRecord } from '../src/made-record.ts';
import { removeLeftovers } from '../src/remove-leftovers.ts';

const SUBNET = '10.5.9.0/24';

it('takes a former route for removed when a peer’s new one has replaced it meanwhile', async () => {
  await using host = await createNamespace(`ftlab-${process.pid}-leftovers`);
  await host.run('ip', 'link', 'add', 'eth0', 'type', 'bridge');
  await host.run('ip', 'address', 'add', '192.168.7.1/24', 'dev', 'eth0');
  await host.run('ip', 'link', 'set', 'eth0', 'up');
  await host.run('ip', 'route', 'add', SUBNET, 'via', '192.168.7.2');
  await using netlink = createNetlink({
    openPort: (options) => inNamespace(host.path, () => openNetlinkPort(options)),
  });
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
  const directory = await mkdtemp(join(tmpdir(), 'leftovers-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const record = openMadeRecord(join(directory, 'subnet.env'));
  const gateway = parseAddress('192.168.7.2');
  record.add([{ kind: 'route', destination: parsePrefix(SUBNET), gateway }]);
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
