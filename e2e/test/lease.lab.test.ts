import { createCluster, type Cluster, type Node } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, leaseKeyOf, overlayRoutes, showLogsOnFailure, storedLeases } from './contract.ts';

const SUBNETS = '/coreos.com/network/subnets/';
/** For the second host. */
const RESERVED = '10.5.77.0-24';

describe('leases while the daemon runs', () => {
  let cluster: Cluster;
  let node: Node;

  beforeAll(async () => {
    // The subnets that the tests write themselves lie below those that hosts choose from.
    const network = { Network: '10.5.0.0/16', SubnetMin: '10.5.70.0' };
    cluster = await createCluster({ backend: { Type: 'vxlan' }, network });
    await cluster.etcd.etcdctl('put', SUBNETS + RESERVED, '{"PublicIP":"192.168.77.12"}');
    node = await cluster.addNode();
    await node.ready();
  });
  afterAll(() => cluster[Symbol.asyncDispose]());
  showLogsOnFailure(() => [node]);

  it('takes its subnet again, in place, when its lease is deleted', async () => {
    const key = await leaseKeyOf(node);
    const before = await storedLeases(cluster);
    await cluster.etcd.etcdctl('del', SUBNETS + key);
    const { answer } = await eventually(
      () => storedLeases(cluster),
      (leases) => leases.length === before.length,
    );
    expect(answer).toEqual(before);
    expect(await node.daemon.line(/the lease had vanished from the registry; written again/)).toContain(key);
    expect(await cluster.etcd.etcdctl('get', SUBNETS + key, '--write-out=json')).toContain('"lease"');
  });

  it('follows good leases beside one that nobody can read', async () => {
    const put = (key: string, value: string) => cluster.etcd.etcdctl('put', SUBNETS + key, value);
    const peer = (octet: number) =>
      `{"PublicIP":"192.168.77.${octet}","BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:00:00:00:00:${octet}"}}`;
    await put('10.5.1.0-24', peer(51));
    await put('10.5.2.0-24', '{"PublicIP":');
    await put('nonsense', peer(53));
    await put('10.5.4.0-24', peer(54).replace('"vxlan"', '"host-gw"'));
    await put('10.5.5.0-24', '{"PublicIP":"192.168.77.55","BackendType":"vxlan"}');
    await put('10.5.6.0-24', peer(56));
    // The last one to be written.
    await node.daemon.line(/"put":\[[^\]]*"10\.5\.6\.0-24@.*"leases followed"/);
    expect(await overlayRoutes(node)).toEqual([
      '10.5.1.0/24 via 10.5.1.0 dev flannel.1 onlink',
      '10.5.6.0/24 via 10.5.6.0 dev flannel.1 onlink',
    ]);
    expect(await node.daemon.line(/10\.5\.2\.0-24/)).toContain('"level":"warn"');
    expect(await node.daemon.line(/10\.5\.5\.0-24/)).toContain('VtepMAC must be the MAC address');
  });

  it('keeps a reservation without time to live', async () => {
    const reserved = await cluster.addNode();
    await reserved.ready();
    expect(reserved.host.address).toBe('192.168.77.12');
    expect(await leaseKeyOf(reserved)).toBe(RESERVED);
    const stored = await cluster.etcd.etcdctl('get', SUBNETS + RESERVED, '--write-out=json');
    expect(stored).not.toContain('"lease"');
    await reserved.daemon.stop();
  });
});

it('says that the network is full, and takes a subnet when the config has more', async () => {
  const network = { Network: '10.5.0.0/16', SubnetMin: '10.5.10.0', SubnetMax: '10.5.11.0' };
  await using cluster = await createCluster({ backend: { Type: 'alloc' }, network });
  const nodes = [await cluster.addNode(), await cluster.addNode()];
  await Promise.all(nodes.map((node) => node.ready()));
  const third = await cluster.addNode();
  expect(await third.daemon.line(/out of subnets: every subnet of 10\.5\.0\.0\/16 is taken/)).toContain(
    '"part":"lease"',
  );
  const larger = { ...network, SubnetMax: '10.5.12.0', Backend: { Type: 'alloc' } };
  await cluster.etcd.etcdctl('put', '/coreos.com/network/config', JSON.stringify(larger));
  await third.ready();
  expect(await leaseKeyOf(third)).toBe('10.5.12.0-24');
});
