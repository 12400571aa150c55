import { uptime } from 'node:os';
import { dirname, join } from 'node:path';
import { createCluster, endPing, missingTcx, type Cluster, type Container, type Node } from '@flannel-ts/lab';
import { describe, expect, it } from 'vitest';
import { attachedAt } from '../../packages/tunnel/test/support/attached.ts';
import { eventually, leaseKeyOf, storedLeases } from './contract.ts';
import { longestRun } from './traffic.ts';

const FLANNELD = join(import.meta.dirname, '../../node_modules/.bin/flanneld');
const CONFIG = '/coreos.com/network/config';
const SUBNETS = '/coreos.com/network/subnets/';
const RESUMED = /tunnel of the former run carries packets meanwhile/;

interface World extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly node: Node;
  /** On `node`. */
  readonly from: Container;
  /** Another node. */
  readonly peer: Node;
  /** On `peer`. */
  readonly to: Container;
}

/** Two hosts with udp, and a container on each. */
async function createWorld(...flags: string[]): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(await createCluster({ backend: { Type: 'udp' } }));
  const [node, peer] = [await cluster.addNode({ flags }), await cluster.addNode()];
  await cluster.converged();
  const [from, to] = [await node.addContainer(), await peer.addContainer()];
  await from.run('ping', '-c', '1', to.address);
  const all = stack.move();
  return { cluster, node, peer, from, to, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Which UDP ports have sockets on a host. */
async function openPorts({ host }: Node): Promise<readonly string[]> {
  const lines = (await host.run('ss', '-H', '-u', '-l', '-n')).trim().split('\n');
  return lines.flatMap((line) => /:(\d+)\s/.exec(line)?.[1] ?? []);
}

it('lets containers talk on while etcd is away at the start, until the former lease has expired', async () => {
  await using world = await createWorld('--subnet-lease-ttl=15s');
  const { cluster, node, from, to } = world;
  await node.daemon.stop();
  await cluster.etcd.stop();
  await node.restart();
  await node.daemon.line(RESUMED);
  await from.run('ping', '-c', '3', '-i', '0.2', to.address);
  await node.daemon.line(/lease of the former run has expired: its tunnel carries nothing more/);
  await expect(from.run('ping', '-c', '1', '-W', '1', to.address)).rejects.toThrow();
  expect(node.daemon.lines.join('\n')).not.toContain('subnet leased');

  await node.restart();
  expect(await node.daemon.line(/is not resumed/)).toContain('its lease has expired');
  await expect(from.run('ping', '-c', '1', '-W', '1', to.address)).rejects.toThrow();
});

it('resumes the tunnel of a daemon that was killed; no packet is lost from its first one on', async () => {
  await using world = await createWorld();
  const { node, from, to } = world;
  await recorded(node);
  const pings = from.start(['ping', '-n', '-i', '0.01', to.address]);
  await pings.line(/icmp_seq=3 /);
  node.daemon.signal('SIGKILL');
  await node.daemon.exited;
  await node.restart();
  await node.ready();
  const missed = await endPing(pings);
  // The fast path opens, the backend takes the tunnel over, and the first listing replaces its routes.
  const lastOfGap = longestRun(missed).at(-1) ?? 0;
  expect(missed.filter((number) => number > lastOfGap)).toEqual([]);
  expect(node.daemon.lines.filter((line) => RESUMED.test(line))).toHaveLength(1);
  expect(node.daemon.lines.filter((line) => line.includes('fast path'))).toHaveLength(1);
  expect(node.daemon.lines.join('\n')).not.toContain('"level":"warn"');
});

/** Waits until the running daemon has recorded its tunnel and the route to its peer. */
async function recorded({ host, subnetFile }: Node): Promise<void> {
  await eventually(
    () => host.run('sh', '-c', 'cat "$0" || true', `${subnetFile}.tunnel`),
    (text) => text.includes('\nroute '),
  );
}

describe.skipIf(await missingTcx())('the fast path of a daemon that has ended', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'carries on until the next one takes it over, without the loss of a packet: %s',
    async (signal) => {
      await using world = await createWorld();
      const { node, from, to } = world;
      await recorded(node);
      const pings = from.start(['ping', '-n', '-i', '0.01', to.address]);
      await pings.line(/icmp_seq=3 /);
      node.daemon.signal(signal);
      await node.daemon.exited;
      const alone = pings.lines.length;
      await expect.poll(() => pings.lines.length).toBeGreaterThan(alone + 20);
      await node.restart();
      await node.ready();
      expect(await endPing(pings)).toEqual([]);
      expect(await attachedAt(node.host)).toEqual(['flannel_deliver', 'flannel_rx', 'flannel_tx']);
    },
  );

  it('ends with the lease, as it was renewed last', async () => {
    await using world = await createWorld('--subnet-lease-ttl=15s');
    const { node, peer, from, to } = world;
    // Else the peer would forget the route when the lease is gone.
    peer.daemon.signal('SIGKILL');
    await peer.daemon.exited;
    await recorded(node);
    const expiry = async () => {
      const record = await node.host.run('cat', `${node.subnetFile}.tunnel`);
      return Number(/^lease expires (\d+)$/m.exec(record)![1]);
    };
    const first = await expiry();
    await expect.poll(expiry, { timeout: 30_000 }).toBeGreaterThan(first);
    const renewed = await expiry();
    node.daemon.signal('SIGKILL');
    await node.daemon.exited;
    const answers = async () => {
      const output = await from.run('sh', '-c', 'ping -c 1 -W 1 "$0" || true', to.address);
      return output.includes(' 0% packet loss');
    };
    expect(await answers()).toBe(true);
    await expect.poll(answers, { timeout: 60_000 }).toBe(false);
    expect(uptime() * 1_000).toBeGreaterThanOrEqual(renewed);
  });

  it('is removed by cleanup', async () => {
    await using world = await createWorld();
    const { node } = world;
    node.daemon.signal('SIGKILL');
    await node.daemon.exited;
    expect(await attachedAt(node.host)).toHaveLength(3);
    const said = await node.host.run(FLANNELD, 'cleanup', `--subnet-file=${node.subnetFile}`);
    expect(said).toMatch(/^device flannel0-rx.*: deleted$/m);
    expect(await attachedAt(node.host)).toEqual([]);
  });

  it('does not carry on when the lease ends with the daemon', async () => {
    await using world = await createWorld('--release-lease-on-exit');
    const { node } = world;
    expect(await attachedAt(node.host)).toHaveLength(3);
    await node.daemon.stop();
    expect(await attachedAt(node.host)).toEqual([]);
    expect(await node.host.run('ip', 'link')).not.toContain('flannel0-rx');
  });
});

it('closes the resumed tunnel when the config asks for another backend', async () => {
  await using world = await createWorld();
  const { cluster, node, from, to } = world;
  await node.daemon.stop();
  const config = { Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } };
  await cluster.etcd.etcdctl('put', CONFIG, JSON.stringify(config));
  await node.restart();
  await node.daemon.line(RESUMED);
  await node.ready();
  expect(await openPorts(node)).not.toContain('8285');
  await eventually(
    () => from.run('sh', '-c', 'ping -c 1 -W 1 "$0" || true', to.address),
    (output) => output.includes(' 0% packet loss'),
  );
  await node.restart();
  await node.ready();
  expect(node.daemon.lines.join('\n')).not.toContain('the tunnel of the former run');
});

it.each([
  ['another backend', { Type: 'vxlan' }, ''],
  ['no fast path', { Type: 'udp' }, '--udp-fast-path=off'],
])('leaves nothing of the fast path of a daemon that was killed, with %s', async (_title, backend, flag) => {
  await using world = await createWorld();
  const { cluster, node } = world;
  await recorded(node);
  node.daemon.signal('SIGKILL');
  await node.daemon.exited;
  expect(await node.host.run('ip', 'link')).toContain('flannel0-rx');
  await node.host.run('rm', `${node.subnetFile}.tunnel`);
  const config = { Network: '10.5.0.0/16', Backend: backend };
  await cluster.etcd.etcdctl('put', CONFIG, JSON.stringify(config));
  await node.restart(flag === '' ? [] : [flag]);
  await node.ready();
  expect(await node.host.run('ip', 'link')).not.toContain('flannel0-rx');
  expect(await attachedAt(node.host)).toEqual([]);
});

it('gives up the resumed subnet when another host has taken it meanwhile', async () => {
  await using world = await createWorld();
  const { cluster, node } = world;
  const key = await leaseKeyOf(node);
  await node.daemon.stop();
  await cluster.etcd.etcdctl('put', SUBNETS + key, '{"PublicIP":"192.168.77.200"}');
  await node.restart();
  await node.daemon.line(RESUMED);
  await node.ready();
  const own = await leaseKeyOf(node);
  expect(own).not.toBe(key);
  expect((await storedLeases(cluster)).map((lease) => lease.key)).toContain(own);
  await node.daemon.stop();
  const record = await node.host.run('cat', `${node.subnetFile}.tunnel`);
  expect(record).toContain(`subnet ${own.replace('-', '/')}\n`);
  expect(record).toContain(`route ${key.replace('-', '/')} via 192.168.77.200 port 8285`);
});

it('keeps no tunnel for the next daemon when the lease ends with it, nor after cleanup', async () => {
  await using world = await createWorld('--release-lease-on-exit');
  const { node } = world;
  await node.restart();
  await node.ready();
  expect(node.daemon.lines.join('\n')).not.toContain('the tunnel of the former run');
  await node.restart(['--release-lease-on-exit=false']);
  await node.ready();
  await recorded(node);
  await node.daemon.stop();
  await node.host.run(FLANNELD, 'cleanup', `--subnet-file=${node.subnetFile}`);
  const files = await node.host.run('ls', dirname(node.subnetFile));
  expect(files).not.toContain('.tunnel');
});
