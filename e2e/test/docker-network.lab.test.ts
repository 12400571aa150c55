import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCluster, startDocker, type Cluster, type Docker, type Host, type Node } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { showLogsOnFailure } from './contract.ts';
import { dockerUserAccepts } from './engine.ts';

const FLANNELD = join(import.meta.dirname, '../../node_modules/.bin/flanneld');
const VXLAN_MTU = 1450;

const COMPOSE = `
version: '2.4'
services:
  db:
    image: busybox
    command: sleep 3600
  app:
    image: busybox
    command: sleep 3600
networks:
  default:
    name: flannel
    external: true
`;

/** A web server that answers with the address that a request comes from. */
const WHO_AM_I = `
mkdir -p "$0/cgi-bin"
printf '#!/bin/sh\\necho\\necho "$REMOTE_ADDR"\\n' > "$0/cgi-bin/who"
chmod 755 "$0/cgi-bin/who"
exec busybox httpd -f -p 0.0.0.0:80 -h "$0"
`;
const serverIn = (directory: string) => ['sh', '-c', WHO_AM_I, directory];
const question = (server: string) => ['busybox', 'wget', '-qO-', `http://${server}/cgi-bin/who`];
/** What `timeout` ends with for a {@link question} whose packets are dropped. */
const NO_ANSWER = 'exit code 124';

interface Engine {
  readonly node: Node;
  readonly docker: Docker;
}

interface RunningContainer {
  readonly id: string;
  readonly address: string;
}

describe('two Docker Engines, 28.5 and 20.10, without any option', { timeout: 60_000 }, () => {
  let cluster: Cluster;
  let engines: Engine[];

  beforeAll(async () => {
    cluster = await createCluster({ backend: { Type: 'vxlan' } });
    engines = await Promise.all((['28.5', '20.10'] as const).map(startEngine));
    await cluster.converged();
  });
  afterAll(async () => {
    for (const { docker } of engines) await docker[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });
  showLogsOnFailure(() => engines.map(({ node }) => node));

  /** The daemon is there first, as on a host that boots. */
  async function startEngine(engine: '28.5' | '20.10'): Promise<Engine> {
    const socket = join(cluster.lab.directory, `docker-${engine}.sock`);
    const flags = [
      '--ip-masq',
      '--docker-network=flannel',
      `--docker-host=unix://${socket}`,
      `--docker-opts-file=${join(cluster.lab.directory, `docker-${engine}.env`)}`,
    ];
    const node = await cluster.addNode({ flags });
    await node.ready();
    await node.daemon.line(/waits: Docker is not running/);
    const docker = await startDocker(node.host, { engine, options: [], socket });
    await node.daemon.line(/docker is ok again/);
    await dockerUserAccepts(node);
    return { node, docker };
  }

  const run = async ({ docker }: Engine, ...args: string[]): Promise<RunningContainer> => {
    const id = await docker.run('run', '--detach', '--network', 'flannel', ...args);
    return inspect(docker, id.trim());
  };
  const sleeper = (engine: Engine) => run(engine, engine.docker.image, 'sleep', '3600');

  async function expectBothDirections(): Promise<void> {
    const [one, two] = engines as [Engine, Engine];
    const [first, second] = await Promise.all([sleeper(one), sleeper(two)]);
    expect(await ping(one.docker, first.id, second.address)).toContain(' 0% packet loss');
    expect(await ping(two.docker, second.id, first.address)).toContain(' 0% packet loss');
  }

  it('is ready while Docker is absent, and reports when the network is there', async () => {
    for (const { node } of engines) {
      const line = (words: string) => node.daemon.lines.findIndex((printed) => printed.includes(words));
      expect(line('"msg":"ready"')).toBeGreaterThan(-1);
      expect(line('network flannel waits: Docker is not running')).toBeGreaterThan(line('"msg":"ready"'));
      expect(line('docker is ok again')).toBeGreaterThan(line('Docker network created'));
    }
  });

  it('leaves docker0 as Docker has it, and Docker without options', async () => {
    for (const { node, docker } of engines) {
      expect(await node.host.run('ip', '-brief', 'address', 'show', 'docker0')).toContain('172.17.0.1/16');
      expect(await readFile(docker.socket.replace('.sock', '.env'), 'utf8')).toBe('DOCKER_OPTS=""\n');
    }
  });

  it('connects containers of both hosts in both directions, with packets of full size', async () => {
    await expectBothDirections();
    const [one, two] = engines as [Engine, Engine];
    const [first, second] = await Promise.all([sleeper(one), sleeper(two)]);
    expect(await one.docker.run('exec', first.id, 'cat', '/sys/class/net/eth0/mtu')).toBe(`${VXLAN_MTU}\n`);
    const ipAndIcmpHeaders = 28;
    const full = ['-s', String(VXLAN_MTU - ipAndIcmpHeaders)];
    expect(await ping(one.docker, first.id, second.address, ...full)).toContain(' 0% packet loss');
  });

  it('shows a container the address of another host’s container, and the outside that of the host', async () => {
    const [one, two] = engines as [Engine, Engine];
    await using _outside = cluster.lab.underlay.start(serverIn(join(cluster.lab.directory, 'outside')));
    for (const [here, there] of [
      [one, two],
      [two, one],
    ] as const) {
      const [client, server] = [
        await sleeper(here),
        await run(there, there.docker.image, ...serverIn('/www')),
      ];
      const ask = (address: string) => here.docker.run('exec', client.id, ...question(address));
      await expect.poll(() => ask(server.address)).toBe(`${client.address}\n`);
      await expect.poll(() => ask(cluster.lab.underlayAddress)).toBe(`${here.node.host.address}\n`);
    }
  });

  it('resolves names within a host, and connects services of a compose file', async () => {
    for (const { docker } of engines) {
      await docker.compose(COMPOSE, 'up', '--detach');
      const id = async (service: string) =>
        (await docker.compose(COMPOSE, 'ps', '--quiet', service)).trim().split('\n')[0]!;
      expect(await ping(docker, await id('app'), 'db')).toContain(' 0% packet loss');
    }
    const [one, two] = engines as [Engine, Engine];
    const far = await inspect(two.docker, (await two.docker.compose(COMPOSE, 'ps', '--quiet', 'db')).trim());
    const near = (await one.docker.compose(COMPOSE, 'ps', '--quiet', 'app')).trim();
    expect(await ping(one.docker, near, far.address)).toContain(' 0% packet loss');
    for (const { docker } of engines) await docker.compose(COMPOSE, 'down', '--timeout', '0');
  });

  /** Gives the host a second way to the outside, which flannel has no part in; returns its address there. */
  async function addSideNetwork(host: Host, link: string): Promise<string> {
    const { underlay } = cluster.lab;
    const peer = ['peer', 'name', 'eth1', 'netns', host.namespace];
    await underlay.run('ip', 'link', 'add', link, 'type', 'veth', ...peer);
    for (const [place, name, address] of [
      [underlay, link, '198.51.100.1'],
      [host, 'eth1', '198.51.100.2'],
    ] as const) {
      await place.run('ip', 'address', 'add', `${address}/24`, 'dev', name);
      await place.run('ip', 'link', 'set', name, 'up');
    }
    return '198.51.100.2';
  }

  it('opens a published port to the outside and no other, on any interface, whatever source is forged', async () => {
    const { underlay } = cluster.lab;
    const ask = (server: string, seconds = '10') => underlay.run('timeout', seconds, ...question(server));
    const forged = '10.5.255.7';
    await underlay.run('ip', 'address', 'add', `${forged}/32`, 'dev', 'br0');
    for (const [index, engine] of engines.entries()) {
      const { host } = engine.node;
      const side = await addSideNetwork(host, `side${index}`);
      const publish = ['--publish', '8080:80'];
      const { address } = await run(engine, ...publish, engine.docker.image, ...serverIn('/www'));
      await expect.poll(() => ask(`${host.address}:8080`)).toMatch(/^[\d.]+\n$/);
      for (const way of [host.address, side]) {
        await expect(ask(`${way}:8080`)).resolves.toMatch(/^[\d.]+\n$/);
        for (const source of [[], ['src', forged]]) {
          await underlay.run('ip', 'route', 'replace', '10.5.0.0/16', 'via', way, ...source);
          await expect(ask(address, '1')).rejects.toThrow(NO_ANSWER);
        }
      }
      expect(await host.run(...question(address))).toMatch(/^[\d.]+\n$/);
      await underlay.run('ip', 'link', 'delete', `side${index}`);
    }
  });

  it('loses no packet while flanneld is restarted', async () => {
    const [one, two] = engines as [Engine, Engine];
    const [first, second] = await Promise.all([sleeper(one), sleeper(two)]);
    const pings = one.docker.run('exec', first.id, 'ping', '-c', '40', '-i', '0.1', second.address);
    for (const { node } of engines) {
      await node.restart();
      await node.ready();
      await node.daemon.line(/"msg":"ready"/);
    }
    expect(await pings).toContain(' 0% packet loss');
  });

  it('connects containers again when Docker was restarted', async () => {
    await Promise.all(engines.map(({ docker }) => docker.restart()));
    await expectBothDirections();
  });

  it('is removed by cleanup once no container uses it, and stays closed until then', async () => {
    const { underlay } = cluster.lab;
    for (const engine of engines) {
      const { node, docker } = engine;
      await node.daemon.stop();
      const cleanup = (socket = docker.socket, ...flags: string[]) =>
        node.host.run(
          FLANNELD,
          'cleanup',
          `--docker-host=unix://${socket}`,
          `--subnet-file=${node.subnetFile}`,
          ...flags,
        );
      await expect(cleanup('/nowhere/docker.sock')).rejects.toThrow(
        'Docker networks: not deleted: Docker is not running at /nowhere/docker.sock',
      );
      const { address } = await run(engine, '--name', 'last', docker.image, ...serverIn('/www'));
      for (const flags of [['--dry-run'], []])
        await expect(cleanup(docker.socket, ...flags)).rejects.toThrow(
          /Docker network flannel: not deleted: containers use it: .*last[^]*rules: not deleted: they close/,
        );
      await expect.poll(() => node.host.run(...question(address))).toMatch(/^[\d.]+\n$/);
      await underlay.run('ip', 'route', 'replace', '10.5.0.0/16', 'via', node.host.address);
      await expect(underlay.run('timeout', '1', ...question(address))).rejects.toThrow(NO_ANSWER);
      const all = (await docker.run('ps', '--all', '--quiet')).trim().split('\n');
      await docker.run('rm', '--force', ...all);
      expect(await cleanup()).toContain('Docker network flannel: deleted');
      expect(await docker.run('network', 'ls', '--format', '{{.Name}}')).not.toContain('flannel');
    }
  });
});

it(
  'is not created on Docker 28.5 before the rules that close it are in place',
  { timeout: 60_000 },
  async ({ onTestFinished }) => {
    const directory = await mkdtemp(join(tmpdir(), 'refusing-nft-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const nft = join(directory, 'nft');
    await writeFile(nft, '#!/bin/sh\necho refused >&2\nexit 1\n', { mode: 0o755 });
    await using cluster = await createCluster({
      backend: { Type: 'vxlan' },
      network: { Network: '10.5.0.0/16', EnableNFTables: true },
      flanneld: ['env', `PATH=${directory}:${process.env['PATH']!}`, FLANNELD],
    });
    const socket = join(cluster.lab.directory, 'docker.sock');
    const flags = ['--docker-network=flannel', `--docker-host=unix://${socket}`, '--iptables-resync=1'];
    const { host, daemon } = await cluster.addNode({ flags });
    await using docker = await startDocker(host, { engine: '28.5', options: [], socket });
    await daemon.line(/"flannel\\" is not created: the rules that close it are not in place: nft/);
    expect(await docker.run('network', 'ls', '--format', '{{.Name}}')).not.toContain('flannel');
    await rm(nft);
    await daemon.line(/"msg":"Docker network created"/);
  },
);

it('is closed on Docker 28.5 after a boot, before there is a lease', { timeout: 60_000 }, async () => {
  await using cluster = await createCluster({ backend: { Type: 'vxlan' } });
  const { etcd, lab } = cluster;
  const socket = join(lab.directory, 'docker.sock');
  const flags = ['--ip-masq', '--docker-network=flannel', `--docker-host=unix://${socket}`];
  const node = await cluster.addNode({ flags });
  await using docker = await startDocker(node.host, { engine: '28.5', options: [], socket });
  await node.daemon.line(/"msg":"Docker network created"/);
  const options = ['--detach', '--restart=always', '--network=flannel'];
  const id = (await docker.run('run', ...options, docker.image, ...serverIn('/www'))).trim();
  await lab.underlay.run('ip', 'route', 'replace', '10.5.0.0/16', 'via', node.host.address);

  // What a boot forgets.
  await node.daemon.stop();
  for (const table of ['raw', 'nat', 'filter']) await node.host.run('iptables', '-t', table, '--flush');
  await rm(node.subnetFile);
  await rm(`${node.subnetFile}.made`);
  await etcd.kill();
  await node.restart();
  await node.daemon.line(/etcd is unavailable/);
  await docker.restart();

  const { address } = await inspect(docker, id);
  const expectClosed = () =>
    expect(lab.underlay.run('timeout', '1', ...question(address))).rejects.toThrow(NO_ANSWER);
  await expect.poll(() => node.host.run(...question(address))).toMatch(/^[\d.]+\n$/);
  await expectClosed();
  await etcd.restart();
  await node.ready();
  await expectClosed();
});

async function inspect(docker: Docker, id: string): Promise<RunningContainer> {
  const format = '{{(index .NetworkSettings.Networks "flannel").IPAddress}}';
  return { id, address: (await docker.run('inspect', '--format', format, id)).trim() };
}

async function ping(docker: Docker, from: string, to: string, ...options: string[]): Promise<string> {
  return docker.run('exec', from, 'ping', '-c', '1', '-W', '5', ...options, to);
}
