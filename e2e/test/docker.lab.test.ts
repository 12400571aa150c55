import {
  createCluster,
  type Cluster,
  type Docker,
  type EngineRelease,
  type Host,
  type Node,
} from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, showLogsOnFailure } from './contract.ts';
import {
  dockerUserAccepts,
  echoesReceived,
  inspectContainer,
  ping,
  runContainer,
  type RunningContainer,
} from './engine.ts';

const PASSED = ' 0% packet loss';
const FORGED_SOURCE = '10.5.200.9';

const COMPOSE = `
version: '2.4'
services:
  web:
    image: busybox
    command: sleep 3600
    network_mode: bridge
`;

interface Setup {
  readonly engine: EngineRelease;
  readonly backend: 'vxlan' | 'udp' | 'host-gw';
  readonly tool: 'iptables' | 'nftables';
  readonly mtu: number;
  /** Whether flannel masquerades; else Docker does. */
  readonly masquerade: boolean;
  /** The interface on which packets of the overlay arrive. */
  readonly arrivesOn: string;
}

interface Engine {
  readonly node: Node;
  readonly docker: Docker;
}

/** Every backend and both tools with the engine that drops most, and the oldest engine. */
const setups: readonly Setup[] = [
  {
    engine: '20.10',
    backend: 'vxlan',
    tool: 'iptables',
    mtu: 1450,
    masquerade: true,
    arrivesOn: 'flannel.1',
  },
  { engine: '28.5', backend: 'vxlan', tool: 'iptables', mtu: 1450, masquerade: true, arrivesOn: 'flannel.1' },
  { engine: '28.5', backend: 'udp', tool: 'nftables', mtu: 1472, masquerade: true, arrivesOn: 'flannel0' },
  { engine: '28.5', backend: 'host-gw', tool: 'iptables', mtu: 1500, masquerade: false, arrivesOn: 'eth0' },
];

describe.each(setups)('Docker $engine over $backend with $tool', { timeout: 60_000 }, (setup) => {
  let cluster: Cluster;
  let outside: Host;
  let engines: [Engine, Engine];
  let one: RunningContainer;
  let two: RunningContainer;

  beforeAll(async () => {
    cluster = await createCluster({
      backend: { Type: setup.backend },
      network: { Network: '10.5.0.0/16', EnableNFTables: setup.tool === 'nftables' },
    });
    const flags = [`--ip-masq=${setup.masquerade}`];
    const nodes = [await cluster.addNode({ flags }), await cluster.addNode({ flags })];
    outside = await cluster.lab.addHost();
    await cluster.converged();
    engines = (await Promise.all(
      nodes.map(async (node) => ({ node, docker: await node.startDocker(setup.engine) })),
    )) as [Engine, Engine];
    for (const node of nodes) await dockerUserAccepts(node);
    const [first, second] = engines;
    one = await runContainer(first.docker);
    two = await runContainer(second.docker, {
      options: ['--publish', '8080:80'],
      command: ['httpd', '-f', '-h', '/bin'],
    });
  });
  afterAll(async () => {
    for (const { docker } of engines) await docker[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });
  showLogsOnFailure(() => engines.map(({ node }) => node));

  it('gives docker0 the leased address and the overlay’s MTU', async () => {
    for (const { node, docker } of engines) {
      const { FLANNEL_SUBNET } = await node.subnetEnv();
      expect(docker.options).toEqual([
        `--bip=${FLANNEL_SUBNET}`,
        `--ip-masq=${!setup.masquerade}`,
        `--mtu=${setup.mtu}`,
      ]);
      const [bridge] = await node.host.json<
        { addr_info: { family: string; local: string; prefixlen: number }[] }[]
      >(...['ip', '-json', 'address', 'show', 'dev', 'docker0']);
      const [address] = bridge!.addr_info.filter(({ family }) => family === 'inet');
      expect(`${address!.local}/${address!.prefixlen}`).toBe(FLANNEL_SUBNET);
    }
  });

  it('connects containers of both hosts in both directions, with full-size packets', async () => {
    const ipAndIcmpHeaders = 28;
    const size = ['-c', '1', '-W', '5', '-s', `${setup.mtu - ipAndIcmpHeaders}`];
    expect(await ping(one, two.address, ...size)).toContain(PASSED);
    expect(await ping(two, one.address, ...size)).toContain(PASSED);
    expect(await one.docker.run('exec', one.id, 'cat', '/sys/class/net/eth0/mtu')).toBe(`${setup.mtu}\n`);
  });

  it('connects a host to containers of the other', async () => {
    const { host } = engines[0].node;
    expect(await host.run('ping', '-c', '1', '-W', '5', two.address)).toContain(PASSED);
  });

  it('connects a service of a compose file', async () => {
    const { docker } = one;
    await docker.compose(COMPOSE, 'up', '--detach');
    const [id] = (await docker.compose(COMPOSE, 'ps', '--quiet', 'web')).trim().split('\n');
    const service = await inspectContainer(docker, id!);
    expect(await ping(two, service.address)).toContain(PASSED);
    expect(await ping(service, two.address)).toContain(PASSED);
    await docker.compose(COMPOSE, 'down', '--timeout', '0');
  });

  it('keeps its rules first and single while containers come and go', async () => {
    for (const { node } of engines) {
      const rules = (await node.host.run('iptables-save')).split('\n');
      const of = (chain: string) => rules.filter((rule) => rule.startsWith(`-A ${chain} `));
      expect(of('DOCKER-USER')[0]).toMatch(/-j FLANNEL-INGRESS$/);
      expect(of('PREROUTING').some((rule) => rule.includes('FLANNEL-RAW'))).toBe(true);
      const raw = (await node.host.run('iptables-save', '-t', 'raw')).split('\n');
      expect(raw.filter((rule) => rule.startsWith('-A PREROUTING '))[0]).toMatch(/-j FLANNEL-RAW$/);
      expect(rules.filter((rule) => /-j FLANNEL-(INGRESS|RAW)$/.test(rule))).toHaveLength(2);
      expect(of('FLANNEL-RAW')[0]).toContain(` -i ${setup.arrivesOn} `);
    }
  });

  it('publishes ports to the outside, and nothing else', async () => {
    const { host } = engines[1].node;
    await outside.run('ip', 'route', 'replace', '10.5.0.0/16', 'via', host.address);
    const url = `http://${host.address}:8080/sh`;
    expect(await outside.run('curl', '--silent', '--max-time', '5', '--output', '/dev/null', url)).toBe('');
    const before = await echoesReceived(two);
    await outside.run('sh', '-c', `ping -c 2 -i 0.2 -W 1 ${two.address} || true`);
    expect(await echoesReceived(two)).toBe(before);
  });

  it('takes no packet of the underlay for one of the overlay', async () => {
    await outside.run('ip', 'address', 'replace', `${FORGED_SOURCE}/32`, 'dev', 'lo');
    const before = await echoesReceived(two);
    const forge = `ping -c 2 -i 0.2 -W 1 -I ${FORGED_SOURCE} ${two.address} || true`;
    await outside.run('sh', '-c', forge);
    // host-gw has nothing but the source address to know the overlay by.
    const passed = before + (setup.backend === 'host-gw' ? 2 : 0);
    await expect.poll(() => echoesReceived(two)).toBe(passed);
    expect(await ping(one, two.address)).toContain(PASSED);
    expect(await echoesReceived(two)).toBeGreaterThan(before);
  });

  it('loses no ping when the daemon starts again while containers talk', async () => {
    const { node } = engines[0];
    const before = await echoesReceived(two);
    const pinging = ping(one, two.address, '-c', '40', '-i', '0.1', '-W', '1');
    await eventually(
      () => echoesReceived(two),
      (count) => count > before,
    );
    await node.restart([`--ip-masq=${setup.masquerade}`]);
    await node.ready();
    const lost = Number(/(\d+)% packet loss/.exec(await pinging)?.[1]);
    // The udp backend's device goes with its process.
    expect(lost).toBeLessThan(setup.backend === 'udp' ? 100 : 1);
  });

  it('connects containers again when Docker was started again', async () => {
    const { docker } = engines[1];
    await docker.restart();
    two = await runContainer(docker);
    await eventually(
      () => ping(one, two.address, '-c', '1', '-W', '1'),
      (output) => output.includes(PASSED),
      5_000,
    );
    expect(await ping(two, one.address)).toContain(PASSED);
  });
});
