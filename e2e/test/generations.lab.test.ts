import { createCluster, type Cluster, type Container, type Node } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, leaseKeyOf, overlayRoutes, showLogsOnFailure, storedLeases } from './contract.ts';

const CONFIG = '/coreos.com/network/config';
const SUBNETS = '/coreos.com/network/subnets/';

/** What a daemon is made from changes while it runs, and no one restarts it. */
describe('a daemon whose world changes', () => {
  let cluster: Cluster;
  let nodes: [Node, Node];
  let containers: Container[];

  beforeAll(async () => {
    cluster = await createCluster({ backend: { Type: 'vxlan' } });
    nodes = [await cluster.addNode(), await cluster.addNode()];
    await cluster.converged();
    containers = await Promise.all(nodes.map((node) => node.addContainer()));
  });
  afterAll(() => cluster[Symbol.asyncDispose]());
  showLogsOnFailure(() => nodes);

  it('moves to another VNI, and leaves no device of the former one', async () => {
    await configure({ Type: 'vxlan', VNI: 2 });
    for (const node of nodes) await ends(node, async () => await devices(node), ['flannel.2']);
    await expectReachable();
  });

  it('moves to another backend, and leaves no device and no route of the former one', async () => {
    await configure({ Type: 'host-gw' });
    for (const [node, peer] of pairs()) {
      await ends(node, () => devices(node), []);
      await ends(node, () => overlayRoutes(node), [
        `${await subnetOf(peer)} via ${peer.host.address} dev eth0`,
      ]);
    }
    await expectReachable();
    await configure({ Type: 'udp' });
    for (const node of nodes) await ends(node, () => overlayRoutes(node), ['10.5.0.0/16 dev flannel0']);
    await expectReachable();
    await configure({ Type: 'vxlan' });
    for (const node of nodes) await ends(node, () => devices(node), ['flannel.1']);
    await expectReachable();
    for (const node of nodes) expect(node.daemon.running).toBe(true);
  });

  it('keeps the last valid config while the present one is invalid, and says so', async () => {
    await cluster.etcd.etcdctl('put', CONFIG, '{"Network":"10.5.0.0/16","SubnetLen":99}');
    for (const node of nodes)
      expect(await node.daemon.line(/SubnetLen must be .*the last valid one stays in use/)).toContain(
        '"level":"warn"',
      );
    await expectReachable();
    await configure({ Type: 'vxlan', VNI: -1 });
    for (const node of nodes)
      expect(await node.daemon.line(/VNI must be .*the former network config stays in use/)).toContain(
        '"level":"warn"',
      );
    await configure({ Type: 'vxlan' });
    await expectReachable();
  });

  it('follows another MTU of the underlay to the device and to subnet.env', async () => {
    const [node] = nodes;
    await node.host.run('ip', 'link', 'set', 'eth0', 'mtu', '1400');
    await eventually(
      async () => (await node.subnetEnv()).FLANNEL_MTU,
      (mtu) => mtu === '1350',
    );
    expect(await node.host.run('ip', 'link', 'show', 'flannel.1')).toContain('mtu 1350');
    await node.host.run('ip', 'link', 'set', 'eth0', 'mtu', '1500');
    await eventually(
      async () => (await node.subnetEnv()).FLANNEL_MTU,
      (mtu) => mtu === '1450',
    );
    await expectReachable();
  });

  it('publishes another address of the underlay under the same subnet, and its peers send there', async () => {
    const [node, peer] = nodes;
    const key = await leaseKeyOf(node);
    await node.host.run('ip', 'address', 'delete', `${node.host.address}/24`, 'dev', 'eth0');
    await node.daemon.line(/the default route leads to no interface/);
    await node.host.run('ip', 'address', 'add', '192.168.77.99/24', 'dev', 'eth0');
    await node.host.run('ip', 'route', 'add', 'default', 'via', '192.168.77.1');
    await eventually(
      () => storedLeases(cluster),
      (leases) => leases.some((lease) => lease.key === key && lease.value['PublicIP'] === '192.168.77.99'),
    );
    await eventually(
      () => peer.host.run('bridge', 'fdb', 'show', 'dev', 'flannel.1'),
      (text) => text.includes('dst 192.168.77.99'),
    );
    await expectReachable();
    expect((await storedLeases(cluster)).length).toBe(2);
  });

  it('leases another subnet when another host has taken its own, and its peers follow that', async () => {
    const [node, peer] = nodes;
    const key = await leaseKeyOf(node);
    const thief =
      '{"PublicIP":"192.168.77.200","BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:00:00:00:02:00"}}';
    await cluster.etcd.etcdctl('put', SUBNETS + key, thief);
    const { answer: own } = await eventually(
      () => leaseKeyOf(node),
      (now) => now !== key,
    );
    const leases = await storedLeases(cluster);
    expect(leases.find((lease) => lease.key === key)?.value['PublicIP']).toBe('192.168.77.200');
    expect(leases.find((lease) => lease.key === own)?.value['PublicIP']).toBe('192.168.77.99');
    const address = own.replace('-24', '/32');
    await eventually(
      () => node.host.run('ip', '-4', '-brief', 'address', 'show', 'dev', 'flannel.1'),
      (text) => text.includes(address) && !text.includes(key.replace('-24', '/32')),
    );
    await ends(peer, () => overlayRoutes(peer), [key, own].map(routeOf).sort());
    expect(node.daemon.running).toBe(true);
  });

  const routeOf = (key: string) => {
    const network = key.replace('-24', '');
    return `${network}/24 via ${network} dev flannel.1 onlink`;
  };

  function pairs(): (readonly [Node, Node])[] {
    const [one, other] = nodes;
    return [
      [one, other],
      [other, one],
    ];
  }

  async function configure(backend: object): Promise<void> {
    await cluster.etcd.etcdctl('put', CONFIG, JSON.stringify({ Network: '10.5.0.0/16', Backend: backend }));
  }

  /** The names of the overlay's devices. */
  async function devices(node: Node): Promise<string[]> {
    const links = await node.host.run('ip', '-brief', 'link');
    return [...links.matchAll(/^flannel[^\s@]*/gm)].map(([name]) => name).sort();
  }

  async function ends<T>(node: Node, ask: () => Promise<T>, expected: T): Promise<void> {
    await eventually(ask, (answer) => JSON.stringify(answer) === JSON.stringify(expected)).catch(
      (error: unknown) => {
        throw new Error(`${node.host.name} does not become ${JSON.stringify(expected)}`, { cause: error });
      },
    );
  }

  async function expectReachable(): Promise<void> {
    const [one, other] = containers;
    await eventually(
      () =>
        one!.run('ping', '-n', '-c', '1', '-W', '1', other!.address).catch((error: unknown) => String(error)),
      (text) => text.includes(' 0% packet loss'),
    );
  }

  async function subnetOf(node: Node): Promise<string> {
    return (await leaseKeyOf(node)).replace('-', '/');
  }
});
