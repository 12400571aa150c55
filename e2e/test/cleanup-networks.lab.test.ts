import { createCluster } from '@flannel-ts/lab';
import { describe, expect, it } from 'vitest';
import {
  addOperatorsThings,
  cleanUp,
  configure,
  difference,
  fileOf,
  hostState,
  startDaemon,
  type Network,
} from './cleanup-host.ts';

const first = (backend: object): Network => ({ prefix: '/coreos.com/network', range: '10.5', backend });
const second = (backend: object): Network => ({ prefix: '/other', range: '10.6', backend });

const vxlan = (vni: number) => ({ Type: 'vxlan', VNI: vni, Port: 8472 + vni });
const hostGw = { Type: 'host-gw' };
const direct = { ...vxlan(1), DirectRouting: true };

describe.each([
  { name: 'vxlan beside vxlan', ours: first(vxlan(1)), other: second(vxlan(2)) },
  { name: 'vxlan with direct routing beside host-gw', ours: first(direct), other: second(hostGw) },
  { name: 'host-gw beside udp', ours: first(hostGw), other: second({ Type: 'udp' }) },
  { name: 'udp beside vxlan', ours: first({ Type: 'udp' }), other: second(vxlan(2)) },
])('flanneld cleanup on a host of two networks, $name', ({ ours, other }) => {
  it('leaves the host as it was before its network’s daemon came, byte for byte', async () => {
    await using cluster = await createCluster({ backend: { Type: 'alloc' } });
    const host = await cluster.lab.addHost();
    for (const network of [ours, other]) await configure(cluster, network);
    await addOperatorsThings(host);
    await using _running = await startDaemon(cluster, host, other);
    const before = await hostState(host);

    const daemon = await startDaemon(cluster, host, ours);
    expect(difference(before, await hostState(host)).added.join('\n')).toContain('10.5.0.0/16');
    await daemon.stop();
    // Like one of host-gw's, and added when no daemon could take it for its own.
    await host.run('ip', 'route', 'add', '10.5.200.0/24', 'via', '192.168.77.40');
    const { exitCode, output } = await cleanUp(host, `--subnet-file=${fileOf(host, ours)}`);
    expect(exitCode).toBe(0);
    expect(output).not.toContain('10.6.');

    const { added, removed } = difference(before, await hostState(host));
    expect(removed).toEqual([]);
    expect(added).toEqual(['ip: 10.5.200.0/24 via 192.168.77.40 dev eth0']);
  });
});
