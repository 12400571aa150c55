import {
  countAnswers,
  createCluster,
  iperf,
  missingTcx,
  type Cluster,
  type Container,
  type Node,
} from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leaseKeyOf, showLogsOnFailure, storedLeases } from './contract.ts';

interface Count {
  readonly packets: number;
}

describe.skipIf(await missingTcx())('hosts with udp, two with a fast path and one without', () => {
  let cluster: Cluster;
  let nodes: readonly [Node, Node, Node];
  let containers: readonly [Container, Container, Container];

  beforeAll(async () => {
    cluster = await createCluster({ backend: { Type: 'udp' } });
    const off = { flags: ['--udp-fast-path=off'] };
    nodes = [await cluster.addNode(), await cluster.addNode(), await cluster.addNode(off)];
    await cluster.converged();
    // Else the kernel sends router solicitations of its own into the TUN devices.
    for (const { host } of nodes) await host.run('sysctl', '-qw', 'net.ipv6.conf.flannel0.disable_ipv6=1');
    const [first, second, third] = nodes;
    containers = [await first.addContainer(), await second.addContainer(), await third.addContainer()];
  });
  afterAll(() => cluster[Symbol.asyncDispose]());
  showLogsOnFailure(() => nodes);

  /** How many packets reach user space of the first host while it pings another's container so often. */
  async function packetsInUserSpace(to: Container, count: number): Promise<number> {
    const read = async () => {
      const [link] = await nodes[0].host.json<[{ stats64: { tx: { packets: number } } }]>(
        ...['ip', '-json', '-statistics', 'link', 'show', 'flannel0'],
      );
      return link.stats64.tx.packets;
    };
    const before = await read();
    expect(await countAnswers(containers[0], to.address, { count })).toBe(count);
    return (await read()) - before;
  }

  it('say at their start what they have, and offer it in their leases', async () => {
    await nodes[0].daemon.line(/"msg":"fast path: /);
    expect(nodes[2].daemon.lines.join('\n')).not.toContain('fast path');
    const leases = new Map((await storedLeases(cluster)).map(({ key, value }) => [key, value]));
    expect(leases.get(await leaseKeyOf(nodes[0]))).toMatchObject({
      BackendData: { FastPath: true, SourcePorts: [768, 1_023] },
    });
    // To the letter what upstream writes.
    const publicIp = nodes[2].host.address;
    expect(leases.get(await leaseKeyOf(nodes[2]))).toEqual({ PublicIP: publicIp, PublicIPv6: null });
  });

  it('keep packets to each other in the kernel, and those of the third in user space', async () => {
    await packetsInUserSpace(containers[1], 1);
    expect(await packetsInUserSpace(containers[1], 5)).toBe(0);
    expect(await packetsInUserSpace(containers[2], 5)).toBe(5);
  });

  it('send packets in the kernel from the ports that both offer', async () => {
    const filter = 'udp dst port 8285 and src portrange 768-1023';
    const options = ['-i', 'eth0', '-Q', 'in', '-qnlc1', '--immediate-mode'];
    await using capture = nodes[1].host.start(['tcpdump', ...options, filter]);
    await capture.line(/listening on/);
    expect(await packetsInUserSpace(containers[1], 1)).toBe(0);
    await capture.line(/ > \S+\.8285: UDP/);
  });

  it('carry streams in every direction', async () => {
    for (const from of containers)
      for (const to of containers)
        if (from !== to) expect(await iperf(from, to, { seconds: 1 })).toBeGreaterThan(0);
  });

  it('report for each peer which way its packets go, why, and how many', async () => {
    const [{ host, daemon }] = nodes;
    await host.run('kill', '-USR1', `${daemon.pid}`);
    const countersOf = async (node: Node) => {
      const subnet = (await leaseKeyOf(node)).replace('-', '/');
      const line = await daemon.line(new RegExp(`"subnet":"${subnet}".*"msg":"peer counters"`));
      return JSON.parse(line) as { sent: Count; inKernel: { sent: Count } };
    };
    const [fast, slow] = [await countersOf(nodes[1]), await countersOf(nodes[2])];
    expect(fast).toMatchObject({ path: 'fast', since: expect.stringMatching(/^20\d\d-/) as string });
    expect(fast.inKernel.sent.packets).toBeGreaterThan(1_000);
    expect(slow).toMatchObject({ path: 'user-space', reason: 'the peer offers no fast path' });
    expect(slow.sent.packets).toBeGreaterThan(1_000);
    expect(slow.inKernel.sent.packets).toBe(0);
    const totals = await daemon.line(/"msg":"counters"/);
    const { notFast } = JSON.parse(totals) as { notFast: Record<string, number> };
    expect(notFast.transmitNotFastPeer).toBeGreaterThan(0);
  });

  it('follow a peer that gives its fast path up', async () => {
    await nodes[1].restart(['--udp-fast-path=off']);
    await nodes[1].ready();
    await nodes[0].knows(nodes[1]);
    expect(await nodes[1].host.run('ip', 'link')).not.toContain('flannel0-rx');
    expect(await packetsInUserSpace(containers[1], 3)).toBe(3);
    expect(await iperf(containers[0], containers[1], { seconds: 1 })).toBeGreaterThan(0);
  });

  it('take packets in the kernel again after the device for them was deleted', async () => {
    await nodes[0].host.run('ip', 'link', 'delete', 'flannel0-rx');
    await nodes[0].daemon.line(/"msg":"backend is ok again"/);
    expect(await nodes[0].host.run('ip', 'link')).toContain('flannel0-rx');
    await packetsInUserSpace(containers[1], 1);
  });
});
