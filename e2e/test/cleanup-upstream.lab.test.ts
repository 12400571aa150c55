import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLab, type Host } from '@flannel-ts/lab';
import { expect, it } from 'vitest';
import { addOperatorsThings, cleanUp, difference, hostState } from './cleanup-host.ts';
import {
  addUpstreamHostGwPeer,
  addUpstreamVxlanPeer,
  applyUpstreamRules,
  ensureUpstreamVxlan,
  upstreamSubnetEnv,
} from './upstream-host.ts';

const SUBNET = '10.5.69.0/24';

/** What upstream's daemon leaves of a network with peers of both kinds. */
async function leaveUpstreamsThings(host: Host, iptables: string): Promise<void> {
  await ensureUpstreamVxlan(host, SUBNET);
  const [tunnelled, direct] = [7, 8].map((number) => ({
    subnet: `10.5.${number}.0/24`,
    publicIp: `192.168.77.${number}`,
    mac: `02:00:00:00:00:0${number}`,
  }));
  await addUpstreamVxlanPeer(host, tunnelled!);
  await addUpstreamHostGwPeer(host, direct!);
  await host.run('ip', 'route', 'add', 'blackhole', SUBNET);
  await applyUpstreamRules(host, SUBNET, iptables);
}

it.each(['iptables-nft', 'iptables-legacy'])(
  'flanneld cleanup removes what upstream’s daemon left, with rules of %s, and nothing of others',
  async (iptables) => {
    await using lab = await createLab();
    const host = await lab.addHost();
    // Makes the tables, which stay.
    for (const table of ['filter', 'nat'])
      await host.run(iptables, '-w', '20', '-t', table, '-N', 'OPERATORS');
    await addOperatorsThings(host);
    // A former device of flannel's, or one to come, of another network: it has no address of ours.
    await host.run(
      'ip',
      'link',
      'add',
      'flannel.2',
      'type',
      'vxlan',
      'id',
      '2',
      'dev',
      'eth0',
      'dstport',
      '8473',
    );
    await host.run('ip', 'route', 'add', '10.5.9.0/24', 'via', '192.168.77.1');
    const before = await hostState(host);
    await leaveUpstreamsThings(host, iptables);
    const subnetFile = join(host.directory, 'subnet.env');
    await writeFile(subnetFile, upstreamSubnetEnv(SUBNET, 1_450));
    const { exitCode, output } = await cleanUp(host, `--subnet-file=${subnetFile}`);
    expect(output).toContain(
      'route 10.5.9.0/24 via 192.168.77.1: left, as its gateway is that of the default route',
    );
    expect(exitCode).toBe(0);
    expect(difference(before, await hostState(host))).toEqual({ added: [], removed: [] });
  },
);
