import { join } from 'node:path';
import { createCluster, startDocker, type Cluster, type Docker, type Node } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { showLogsOnFailure } from './contract.ts';

const MK_DOCKER_OPTS = join(import.meta.dirname, '../../node_modules/.bin/mk-docker-opts');
const VXLAN_MTU = 1450;

const COMPOSE = `
version: '2.4'
services:
  web:
    image: busybox
    command: sleep 3600
    network_mode: bridge
`;

interface Engine {
  readonly node: Node;
  readonly docker: Docker;
  readonly options: readonly string[];
}

describe('two Docker Engines with the options that mk-docker-opts rendered', { timeout: 60_000 }, () => {
  let cluster: Cluster;
  let engines: [Engine, Engine];

  beforeAll(async () => {
    cluster = await createCluster({ backend: { Type: 'vxlan' } });
    const nodes = [await cluster.addNode(), await cluster.addNode()];
    await cluster.converged();
    engines = (await Promise.all(nodes.map(startEngine))) as [Engine, Engine];
  });
  afterAll(async () => {
    await Promise.all(engines.map(({ docker }) => docker[Symbol.asyncDispose]()));
    await cluster[Symbol.asyncDispose]();
  });
  showLogsOnFailure(() => engines.map(({ node }) => node));

  it('gives docker0 the leased address and the overlay’s MTU', async () => {
    for (const { node, options } of engines) {
      const { FLANNEL_SUBNET } = await node.subnetEnv();
      expect(options).toEqual([`--bip=${FLANNEL_SUBNET}`, '--ip-masq=true', `--mtu=${VXLAN_MTU}`]);
      const [bridge] = await node.host.json<
        { addr_info: { family: string; local: string; prefixlen: number }[] }[]
      >(...['ip', '-json', 'address', 'show', 'dev', 'docker0']);
      const [address] = bridge!.addr_info.filter(({ family }) => family === 'inet');
      expect(`${address!.local}/${address!.prefixlen}`).toBe(FLANNEL_SUBNET);
    }
  });

  it('connects containers of both hosts in both directions', async () => {
    const [one, two] = engines.map(({ docker }) => docker);
    const [first, second] = await Promise.all([runContainer(one!), runContainer(two!)]);
    await expectReachable(one!, first, second);
    await expectReachable(two!, second, first);
  });

  it('gives a container’s eth0 the overlay’s MTU, and full-size packets pass', async () => {
    const [one, two] = engines.map(({ docker }) => docker);
    const [first, second] = await Promise.all([runContainer(one!), runContainer(two!)]);
    expect(await one!.run('exec', first.id, 'cat', '/sys/class/net/eth0/mtu')).toBe(`${VXLAN_MTU}\n`);
    const ipAndIcmpHeaders = 28;
    const ping = ['ping', '-c', '1', '-W', '5', '-s', `${VXLAN_MTU - ipAndIcmpHeaders}`, second.address];
    expect(await one!.run('exec', first.id, ...ping)).toContain(' 0% packet loss');
    // A bridge takes the smallest MTU of its ports; docker0 has one only with a container.
    for (const { node } of engines)
      expect((await node.host.run('cat', '/sys/class/net/docker0/mtu')).trim()).toBe(`${VXLAN_MTU}`);
  });

  it('connects a service of a compose file', async () => {
    const [one, two] = engines.map(({ docker }) => docker);
    await one!.compose(COMPOSE, 'up', '--detach');
    const [id] = (await one!.compose(COMPOSE, 'ps', '--quiet', 'web')).trim().split('\n');
    const service = await inspect(one!, id!);
    const container = await runContainer(two!);
    await expectReachable(one!, service, container);
    await expectReachable(two!, container, service);
    await one!.compose(COMPOSE, 'down', '--timeout', '0');
    expect(await one!.run('ps', '--all', '--quiet', '--no-trunc')).not.toContain(service.id);
  });
});

interface RunningContainer {
  readonly id: string;
  readonly address: string;
}

/** Renders the options as an operator's unit does, and starts an engine with nothing else. */
async function startEngine(node: Node): Promise<Engine> {
  const file = join(node.host.directory, 'docker');
  await node.host.run(MK_DOCKER_OPTS, ...['-f', node.subnetFile, '-d', file, '-k', 'DOCKER_NETWORK_OPTIONS']);
  const words = await node.host.run(
    'sh',
    '-c',
    '. "$1"; printf "%s\\n" $DOCKER_NETWORK_OPTIONS',
    'words',
    file,
  );
  const options = words.trim().split('\n');
  const docker = await startDocker(node.host, { options });
  return { node, docker, options };
}

async function runContainer(docker: Docker): Promise<RunningContainer> {
  const id = await docker.run('run', '--detach', docker.image, 'sleep', '3600');
  return inspect(docker, id.trim());
}

async function inspect(docker: Docker, id: string): Promise<RunningContainer> {
  const address = await docker.run('inspect', '--format', '{{.NetworkSettings.IPAddress}}', id);
  return { id, address: address.trim() };
}

async function expectReachable(docker: Docker, from: RunningContainer, to: RunningContainer): Promise<void> {
  const output = await docker.run('exec', from.id, 'ping', '-c', '1', '-W', '5', to.address);
  expect(output).toContain(' 0% packet loss');
}
