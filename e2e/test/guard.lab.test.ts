import { join } from 'node:path';
import {
  createCluster,
  type Cluster,
  type Container,
  type Host,
  type Namespace,
  type Node,
  type Docker,
  type RunningProcess,
} from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, showLogsOnFailure } from './contract.ts';

/** Without site packages it starts faster. */
const FORGE = ['python3', '-I', '-S', join(import.meta.dirname, 'forge.py')];
const TABLE = ['ip', 'flannel-guard-10.5.0.0-16'];

const setups = [
  { backend: 'udp', port: 8285, flags: [] },
  { backend: 'udp', port: 8285, flags: ['--udp-fast-path=off'] },
  { backend: 'vxlan', port: 8472, flags: [] },
] as const;

describe.each(setups)('a container that forges packets of $backend, $flags', ({ backend, port, flags }) => {
  let cluster: Cluster;
  let near: Node;
  let far: Node;
  let attacker: Container;
  let victim: Container;
  let target: Container;
  let outside: Host;
  let listener: RunningProcess;
  let mac = '';

  beforeAll(async () => {
    cluster = await createCluster({ backend: { Type: backend } });
    // The guard is no part of these rules.
    const off = ['--ip-masq=false', '--iptables-forward-rules=false', ...flags];
    [near, far] = [await cluster.addNode({ flags: off }), await cluster.addNode({ flags: off })];
    outside = await cluster.lab.addHost();
    await cluster.converged();
    [attacker, victim, target] = [
      await near.addContainer(),
      await near.addContainer(),
      await far.addContainer(),
    ];
    // Docker's rule for its default bridge, as dockerd without --ip-masq=false has it.
    const { FLANNEL_SUBNET } = await near.subnetEnv();
    const masquerade = ['-s', FLANNEL_SUBNET.replace('.1/', '.0/'), '!', '-o', 'docker0', '-j', 'MASQUERADE'];
    await near.host.run('iptables', '-w', '5', '-t', 'nat', '-A', 'POSTROUTING', ...masquerade);
    // While the host's own packets to the peer are tracked, NAT gives others another port.
    for (const timeout of ['udp_timeout', 'udp_timeout_stream'])
      await near.host.run('sysctl', '-qw', `net.netfilter.nf_conntrack_${timeout}=0`);
    if (backend === 'vxlan') {
      const [link] = await far.host.json<{ address: string }[]>('ip', '-json', 'link', 'show', 'flannel.1');
      mac = link!.address;
    }
    listener = target.start([...FORGE, 'listen']);
    await listener.line(/^listening$/);
  });
  afterAll(() => cluster[Symbol.asyncDispose]());
  showLogsOnFailure(() => [near, far]);

  /** Sends a datagram for the target in the name of the victim: from an unprivileged container, or from elsewhere. */
  async function forge(place: Namespace, text: string, fromPort: number = port): Promise<void> {
    const inner = [victim.address, target.address, mac, text];
    await place.run(...FORGE, backend, far.host.address, `${port}`, `${fromPort}`, ...inner);
  }

  /** What the target received before a datagram that the victim sent after all others. */
  async function received(marker: string): Promise<string[]> {
    const send = `echo -n ${marker} > /dev/udp/${target.address}/7777`;
    await victim.run('bash', '-c', send);
    await listener.line(new RegExp(`^${marker}$`));
    return listener.lines.filter((line) => /^forged/.test(line));
  }

  it('does not reach containers of another host, and is named in the log', async () => {
    await forge(attacker, 'forged');
    expect(await received('first')).toEqual([]);
    const line = new RegExp(`dropped 1 packet from ${attacker.address} to the tunnel port of a host`);
    await near.daemon.line(line);
  });

  it('does not disturb the tunnel to that host, in either direction', async () => {
    for (const [from, to] of [
      [victim, target],
      [target, victim],
    ] as const)
      expect(await from.run('ping', '-c', '3', '-i', '0.2', '-W', '5', to.address)).toContain(
        ' 0% packet loss',
      );
  });

  it('is kept from it while the daemon is stopped, and would reach it without the guard', async () => {
    await near.daemon.stop();
    await forge(attacker, 'forged while stopped');
    await near.host.run('nft', 'delete', 'table', ...TABLE);
    await forge(attacker, 'forged without the guard');
    await listener.line(/^forged without the guard$/);
    expect(listener.lines).not.toContain('forged while stopped');
    await near.restart([]);
    await near.ready();
    expect(await near.host.run('nft', 'list', 'table', ...TABLE)).toContain(far.host.address);
  });

  it('is kept from it by the guard of before, and peers are let in, while etcd is away at a start', async () => {
    const guard = () => far.host.run('nft', '-a', 'list', 'table', ...TABLE);
    const before = await guard();
    await cluster.etcd.stop();
    await far.restart([]);
    await far.daemon.line(/etcd is unavailable/);
    expect(await guard()).toBe(before);
    expect(await target.run('ping', '-c', '1', '-W', '5', victim.address)).toContain(' 0% packet loss');
    cluster.etcd.cont();
    await far.ready();
  });

  if (backend === 'vxlan')
    it('hosts without a lease are refused and named, unless any are taken', async () => {
      await forge(outside, 'forged by a stranger', 0);
      await forge(near.host, 'forged by a peer', 0);
      await listener.line(/^forged by a peer$/);
      expect(listener.lines).not.toContain('forged by a stranger');
      await far.daemon.line(
        new RegExp(`vxlan refused 1 packet from ${outside.address}, .* use --vxlan-accept=any`),
      );
      await far.restart(['--vxlan-accept=any']);
      await far.ready();
      await forge(outside, 'forged by anyone', 0);
      await listener.line(/^forged by anyone$/);
    });

  it('the guard goes with a cleanup', async () => {
    await far.daemon.stop();
    expect(await cleanUp(far)).toContain(`nft delete table ${TABLE.join(' ')}`);
    expect(await far.host.run('nft', 'list', 'tables')).not.toContain('guard');
  });

  async function cleanUp({ host, subnetFile }: Node): Promise<string> {
    const flanneld = join(import.meta.dirname, '../../node_modules/.bin/flanneld');
    return host.run(flanneld, 'cleanup', `--subnet-file=${subnetFile}`);
  }

  it('new peers are let through as they come', async () => {
    const third = await cluster.addNode({ flags: [...flags] });
    await third.ready();
    await near.knows(third);
    const elements = () => near.host.run('nft', 'list', 'set', ...TABLE, 'peers');
    await eventually(elements, (text) => text.includes(third.host.address));
  });
});

// Docker itself masquerades, as it does unless flanneld has --ip-masq.
describe('a container of a Docker Engine', () => {
  let cluster: Cluster;
  let near: Node;
  let far: Node;
  let target: Container;
  let docker: Docker;
  let container: Container;
  let listener: RunningProcess;

  beforeAll(async () => {
    cluster = await createCluster({ backend: { Type: 'vxlan' } });
    [near, far] = [await cluster.addNode(), await cluster.addNode()];
    await cluster.converged();
    target = await far.addContainer();
    docker = await near.startDocker('28.5');
    container = await docker.addContainer();
    listener = target.start([...FORGE, 'listen']);
    await listener.line(/^listening$/);
  });
  afterAll(async () => {
    await docker[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });
  showLogsOnFailure(() => [near, far]);

  async function forge(place: Namespace, text: string): Promise<void> {
    const [link] = await far.host.json<{ address: string }[]>('ip', '-json', 'link', 'show', 'flannel.1');
    const inner = [near.host.address, target.address, link!.address, text];
    await place.run(...FORGE, 'vxlan', far.host.address, '8472', '0', ...inner);
  }

  it('is kept from the tunnel, although Docker gives its packets the address of the host', async () => {
    expect(await near.host.run('iptables-save', '-t', 'nat')).toMatch(/ ! -o docker0 .*-j MASQUERADE/);
    await forge(container, 'forged by a container');
    await forge(near.host, 'sent by the host');
    await listener.line(/^sent by the host$/);
    expect(listener.lines).not.toContain('forged by a container');
    await near.daemon.line(new RegExp(`dropped 1 packet from ${container.address} to the tunnel port`));
    await near.daemon.stop();
    await near.host.run('nft', 'delete', 'table', ...TABLE);
    await forge(container, 'forged without the guard');
    await listener.line(/^forged without the guard$/);
  });
});
