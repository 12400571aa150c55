import { createCluster, loggedAt, type Cluster, type Container, type Node } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  fastest,
  leaseKeyOf,
  millisecondsToEnd,
  overlayRoutes,
  showLogsOnFailure,
  storedLeases,
} from './contract.ts';

/** What the contract says of each backend, for a host with the subnet 10.5.X.0/24 and the underlay MTU 1500. */
const backends = [
  {
    type: 'vxlan',
    mtu: 1450,
    device: 'flannel.1',
    lease: (publicIp: string, mac: string) => ({
      PublicIP: publicIp,
      PublicIPv6: null,
      BackendType: 'vxlan',
      BackendData: { VNI: 1, VtepMAC: mac },
    }),
    route: (subnet: string) => `${subnet} via ${subnet.replace('/24', '')} dev flannel.1 onlink`,
  },
  {
    type: 'host-gw',
    mtu: 1500,
    device: undefined,
    lease: (publicIp: string) => ({ PublicIP: publicIp, PublicIPv6: null, BackendType: 'host-gw' }),
    route: (subnet: string, publicIp: string) => `${subnet} via ${publicIp} dev eth0`,
  },
  {
    type: 'udp',
    mtu: 1472,
    device: 'flannel0',
    lease: (publicIp: string) => ({
      PublicIP: publicIp,
      PublicIPv6: null,
      BackendData: { FastPath: true, SourcePorts: [768, 1_023] },
    }),
    route: undefined,
  },
] as const;

describe.each(backends)('three hosts with $type', ({ type, mtu, device, lease, route }) => {
  let cluster: Cluster;
  let nodes: Node[];
  let containers: Container[];

  beforeAll(async () => {
    cluster = await createCluster({ backend: { Type: type } });
    nodes = [await cluster.addNode(), await cluster.addNode(), await cluster.addNode()];
    await cluster.converged();
    containers = await Promise.all(nodes.map((node) => node.addContainer()));
  });
  afterAll(() => cluster[Symbol.asyncDispose]());
  showLogsOnFailure(() => nodes);

  it('connects every container with every other', async () => {
    await expectAllReachable(containers);
  });

  it('keeps leases to the letter', async () => {
    const expected = await Promise.all(
      nodes.map(async (node) => ({
        key: await leaseKeyOf(node),
        value: lease(node.host.address, type === 'vxlan' ? await macOf(node, 'flannel.1') : ''),
      })),
    );
    const sort = (leases: { key: string }[]) => leases.sort((a, b) => a.key.localeCompare(b.key));
    expect(sort(await storedLeases(cluster))).toEqual(sort(expected));
  });

  it('writes subnet.env to the letter', async () => {
    for (const node of nodes) {
      const { FLANNEL_SUBNET } = await node.subnetEnv();
      expect(FLANNEL_SUBNET).toMatch(/^10\.5\.\d+\.1\/24$/);
      expect(await node.host.run('cat', node.subnetFile)).toBe(
        `FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=${FLANNEL_SUBNET}\nFLANNEL_MTU=${mtu}\nFLANNEL_IPMASQ=false\n`,
      );
      expect(await node.host.run('stat', '-c', '%a', node.subnetFile)).toBe('644\n');
    }
  });

  it('programs exactly the routes of the contract', async () => {
    for (const node of nodes) {
      const peers = nodes.filter((peer) => peer !== node);
      const expected = await Promise.all(
        peers.map(async (peer) => route?.(await subnetOf(peer), peer.host.address)),
      );
      const wanted = route ? expected.sort() : ['10.5.0.0/16 dev flannel0'];
      expect(await overlayRoutes(node)).toEqual(wanted);
    }
  });

  if (type === 'vxlan')
    it('programs exactly the neighbours and FDB entries of the contract', async () => {
      for (const node of nodes) {
        const peers = nodes.filter((peer) => peer !== node);
        const facts = await Promise.all(
          peers.map(async (peer) => ({
            mac: await macOf(peer, 'flannel.1'),
            subnet: await subnetOf(peer),
            ip: peer.host.address,
          })),
        );
        const neighbours = await node.host.run(
          'ip',
          'neighbour',
          'show',
          'dev',
          'flannel.1',
          'nud',
          'permanent',
        );
        expect(lines(neighbours)).toEqual(
          facts.map(({ mac, subnet }) => `${subnet.replace('/24', '')} lladdr ${mac} PERMANENT`).sort(),
        );
        const fdb = await node.host.run('bridge', 'fdb', 'show', 'dev', 'flannel.1');
        expect(lines(fdb)).toEqual(facts.map(({ mac, ip }) => `${mac} dst ${ip} self permanent`).sort());
      }
    });

  if (device)
    it('gives its device the address and MTU of the contract', async () => {
      for (const node of nodes) {
        const [link] = await node.host.json<
          { mtu: number; addr_info: { family: string; local: string; prefixlen: number }[] }[]
        >(...['ip', '-json', 'address', 'show', 'dev', device]);
        const ipv4 = link!.addr_info.filter(({ family }) => family === 'inet');
        expect({
          mtu: link!.mtu,
          addresses: ipv4.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
        }).toEqual({
          mtu,
          addresses: [(await subnetOf(node)).replace('/24', '/32')],
        });
      }
    });

  it('passes full-size packets with DF set, and refuses one byte more', async () => {
    const [from, to] = containers as [Container, Container];
    const headers = 28;
    await from.run('ping', '-M', 'do', '-c', '1', '-W', '5', '-s', `${mtu - headers}`, to.address);
    await expect(
      from.run('ping', '-M', 'do', '-c', '1', '-W', '5', '-s', `${mtu - headers + 1}`, to.address),
    ).rejects.toThrow(/message too long|Message too long/);
  });

  it('reaches a fourth host within a second, and forgets it within a second of its lease', async () => {
    // By the daemons' own clocks: starting the programs that look takes longer than what they look at.
    const slower = await fastest(1_000, async () => {
      const fourth = await cluster.addNode();
      await fourth.ready();
      const container = await fourth.addContainer();
      const learned = await nodes[0]!.knows(fourth);
      await expectReachable(containers[0]!, container);

      const key = await leaseKeyOf(fourth);
      const subnet = await subnetOf(fourth);
      await fourth.daemon.stop();
      await cluster.etcd.etcdctl('del', `/coreos.com/network/subnets/${key}`);
      const deleted = Date.now();
      const forgotten = await nodes[0]!.daemon.line(new RegExp(`"removed":\\["${key}"\\]`));
      const pingInVain = containers[0]!.run('ping', '-c', '1', '-W', '1', container.address);
      await expect(pingInVain).rejects.toThrow('100% packet loss');
      if (route) expect((await overlayRoutes(nodes[0]!)).join('\n')).not.toContain(subnet);
      return Math.max(learned, loggedAt(forgotten) - deleted);
    });
    expect(slower).toBeLessThan(1_000);
  });

  it('ends on SIGTERM within a second, exit code 0, and takes the same lease again', async () => {
    const node = nodes[2]!;
    const before = await node.subnetEnv();
    const ended = await fastest(1_000, async () => {
      const milliseconds = await millisecondsToEnd(node.daemon);
      await node.restart();
      await cluster.converged();
      return milliseconds;
    });
    expect(ended).toBeLessThan(1_000);
    expect(await node.subnetEnv()).toEqual(before);
    await expectAllReachable(containers);
  });
});

async function expectAllReachable(containers: readonly Container[]): Promise<void> {
  const pairs = containers.flatMap((from) =>
    containers.filter((to) => to !== from).map((to) => ({ from, to })),
  );
  await Promise.all(pairs.map(({ from, to }) => expectReachable(from, to)));
}

/** @throws {CommandError} when a ping is not answered */
async function expectReachable(from: Container, to: Container): Promise<void> {
  await from.run('ping', '-c', '1', '-W', '5', to.address);
}

async function subnetOf(node: Node): Promise<string> {
  return (await leaseKeyOf(node)).replace('-', '/');
}

async function macOf(node: Node, link: string): Promise<string> {
  return (await node.host.run('cat', `/sys/class/net/${link}/address`)).trim();
}

function lines(output: string): string[] {
  const all = output.split('\n').map((line) => line.trim());
  return all.filter((line) => line !== '').sort();
}
