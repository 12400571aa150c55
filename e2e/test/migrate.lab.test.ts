import { join } from 'node:path';
import { createCluster, endPing, run, type Cluster, type Container, type Node } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leaseKeyOf, showLogsOnFailure, storedLeases } from './contract.ts';

const flanneld = join(import.meta.dirname, '../../node_modules/.bin/flanneld');

describe('from the v2 API to the v3 API of etcd, with vxlan', () => {
  let cluster: Cluster;
  let nodes: [Node, Node];
  let containers: Container[];

  beforeAll(async () => {
    cluster = await createCluster({ backend: { Type: 'vxlan' }, etcdApi: 'v2' });
    nodes = [await cluster.addNode(), await cluster.addNode()];
    await cluster.converged();
    containers = await Promise.all(nodes.map((node) => node.addContainer()));
  });
  afterAll(() => cluster[Symbol.asyncDispose]());
  showLogsOnFailure(() => nodes);

  const migrate = (...flags: string[]) =>
    run([
      ...['ip', 'netns', 'exec', cluster.lab.underlay.namespace],
      ...[flanneld, 'etcd-migrate', `--etcd-endpoints=${cluster.endpoint}`, ...flags],
    ]);

  it('shows first what it would copy', async () => {
    const said = await migrate();
    for (const node of nodes) expect(said).toContain(await leaseKeyOf(node));
    expect(said).toContain('Nothing was written');
    expect(await storedLeases(cluster)).toEqual([]);
  });

  it('loses no ping while leases are copied and daemons change over, one after the other', async () => {
    const pings = containers[0]!.start(['ping', '-D', '-i', '0.01', '-W', '1', containers[1]!.address]);
    await pings.line(/icmp_seq=10 /);
    const keys = await Promise.all(nodes.map(leaseKeyOf));

    await migrate('--apply');
    for (const node of nodes) {
      await node.restart();
      await node.ready();
      expect(node.daemon.lines.some((line) => line.includes('v3'))).toBe(true);
    }
    expect(await Promise.all(nodes.map(leaseKeyOf))).toEqual(keys);
    expect((await storedLeases(cluster)).map(({ key }) => key).sort()).toEqual(keys.sort());

    expect(await endPing(pings)).toEqual([]);
  });

  it('changes nothing the second time', async () => {
    const before = await storedLeases(cluster);
    expect(await migrate('--apply')).toContain('is in v3 already');
    expect(await storedLeases(cluster)).toEqual(before);
  });
});
