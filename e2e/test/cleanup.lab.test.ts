import { join } from 'node:path';
import { createCluster, type Cluster, type Node } from '@flannel-ts/lab';
import { describe, expect, it } from 'vitest';
import { overlayRoutes, storedLeases } from './contract.ts';

const flanneld = join(import.meta.dirname, '../../node_modules/.bin/flanneld');

async function cleanUp(cluster: Cluster, { host, subnetFile }: Node, ...flags: string[]): Promise<string> {
  return host.run(
    ...[flanneld, 'cleanup', `--etcd-endpoints=${cluster.endpoint}`, `--subnet-file=${subnetFile}`],
    ...flags,
  );
}

async function rulesOf({ host }: Node): Promise<string> {
  return (await host.run('iptables-save')) + (await host.run('nft', 'list', 'ruleset'));
}

describe.each(['vxlan', 'host-gw', 'udp'])('flanneld cleanup after %s', (type) => {
  it('removes devices, routes and rules, and nothing else', async () => {
    await using cluster = await createCluster({ backend: { Type: type } });
    const nodes = [await cluster.addNode({ flags: ['--ip-masq'] }), await cluster.addNode()];
    await cluster.converged();
    const [node] = nodes as [Node, Node];
    await node.host.run('ip', 'route', 'add', '10.99.0.0/24', 'via', '192.168.77.1');
    await node.host.run('iptables', '-A', 'FORWARD', '-s', '10.99.0.0/24', '-j', 'ACCEPT');
    expect((await overlayRoutes(node)).length).toBeGreaterThan(0);
    expect(await rulesOf(node)).toContain('flannel');
    await node.daemon.stop();

    await cleanUp(cluster, node);
    expect(await overlayRoutes(node)).toEqual([]);
    expect(await node.host.run('ip', 'link')).not.toContain('flannel');
    const rules = await rulesOf(node);
    expect(rules.toLowerCase()).not.toContain('flannel');
    expect(rules).toContain('10.99.0.0/24');
    expect(await node.host.run('ip', 'route')).toContain('10.99.0.0/24 via 192.168.77.1');
    expect(await storedLeases(cluster)).toHaveLength(2);

    const said = await cleanUp(cluster, node, '--lease');
    expect(said).toMatch(/lease 10\.5\.\d+\.0-24: deleted/);
    const [left] = await storedLeases(cluster);
    expect(left!.value['PublicIP']).toBe(nodes[1]!.host.address);
  });
});
