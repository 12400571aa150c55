import { fileURLToPath } from 'node:url';
import { createCluster, createLab, type Host, type Namespace } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ETHERNET_HEADER_BYTES, tunnelOverheadBytes } from '../src/index.ts';
import { capture, disableOffloads } from './support/capture.ts';
import { dissect, VXLAN_PORT } from './support/dissect.ts';

const UNDERLAY_MTU = 1500;
const program = [process.execPath, fileURLToPath(new URL('support/talk.ts', import.meta.url))];

/** Pings, UDP and TCP to one address and back, and UDP to a closed port. */
async function talk(from: Namespace, to: string): Promise<void> {
  for (const bytes of [1000, 3000]) await from.run('ping', '-n', '-c', '1', '-s', `${bytes}`, to);
  await from.run(...program, 'to', to);
}

async function serve(on: Namespace): Promise<void> {
  await on.start([...program, 'serve']).line(/serving/);
}

/** What was found in each frame, each once. */
function kinds(frames: readonly Buffer[]): string[] {
  return [...new Set(frames.map(dissect))];
}

/** Length of the longest frame: a segment of TCP that filled the overlay's MTU. */
function longest(frames: readonly Buffer[]): number {
  return Math.max(...frames.map(({ length }) => length));
}

const ipv4Of = (number: number) => `192.168.77.${10 + number}`;
const ipv6Of = (number: number) => `fd77::${number}`;

describe.each([
  { underlay: 4, checksum: 'noudpcsum', outer: 'ipv4 checksum-none udp', addressOf: ipv4Of },
  { underlay: 4, checksum: 'udpcsum', outer: 'ipv4 udp', addressOf: ipv4Of },
  { underlay: 6, checksum: 'udpcsum', outer: 'ipv6 udp', addressOf: ipv6Of },
] as const)("the kernel's VXLAN device: $outer", ({ underlay, checksum, outer, addressOf }) => {
  const mtu = UNDERLAY_MTU - tunnelOverheadBytes('vxlan', underlay);
  const stack = new AsyncDisposableStack();
  let hosts: readonly [Host, Host];

  /** `vxlan42` of host `number`, with the addresses 10.9.0.`number` and fd09::`number`. */
  async function join(host: Host, number: number): Promise<void> {
    await disableOffloads(host, 'eth0');
    await host.run('ip', 'address', 'add', `${ipv6Of(number)}/64`, 'dev', 'eth0', 'nodad');
    const ends = ['local', addressOf(number), 'remote', addressOf(3 - number)];
    const vxlan = ['type', 'vxlan', 'id', '42', 'dstport', `${VXLAN_PORT}`, 'gbp', checksum, ...ends];
    await host.run('ip', 'link', 'add', 'vxlan42', 'mtu', `${mtu}`, ...vxlan);
    await disableOffloads(host, 'vxlan42');
    await host.run('ip', 'link', 'set', 'vxlan42', 'up');
    await host.run('ip', 'address', 'add', `10.9.0.${number}/24`, 'dev', 'vxlan42');
    await host.run('ip', 'address', 'add', `fd09::${number}/64`, 'dev', 'vxlan42', 'nodad');
  }

  beforeAll(async () => {
    const lab = stack.use(await createLab());
    hosts = [await lab.addHost(), await lab.addHost()];
    await join(hosts[0], 1);
    await join(hosts[1], 2);
    await serve(hosts[1]);
  });
  afterAll(() => stack.disposeAsync());

  it.each([
    ['IPv4', '10.9.0.2', 'ipv4', '[ipv4 protocol 17]'],
    ['IPv6', 'fd09::2', 'ipv6', '[ipv6 protocol 17]'],
  ])(
    'carries %s: every frame is decoded, every checksum is right',
    async (_family, address, inner, quoted) => {
      const frames = await capture(hosts[0], () => talk(hosts[0], address));
      const tunnel = `${outer} vxlan 42 ${inner}`;
      expect(kinds(frames)).toEqual(
        expect.arrayContaining([
          `${tunnel} icmp echo-request`,
          `${tunnel} icmp echo-reply`,
          `${tunnel} fragment`,
          `${tunnel} udp`,
          `${tunnel} tcp`,
          `${tunnel} icmp unreachable ${quoted}`,
        ]),
      );
      expect(longest(frames)).toBe(ETHERNET_HEADER_BYTES + UNDERLAY_MTU);
    },
  );

  it("carries a packet's mark in the group policy extension", async () => {
    const group = 4660;
    const marks = [group, group | (1 << 19), group | (1 << 22)];
    const frames = await capture(hosts[0], async () => {
      for (const mark of marks) await hosts[0].run('ping', '-n', '-c', '1', '-m', `${mark}`, '10.9.0.2');
    });
    const tunnel = `${outer} vxlan 42 group ${group}`;
    expect(kinds(frames)).toEqual(
      expect.arrayContaining([
        `${tunnel} ipv4 icmp echo-request`,
        `${tunnel} A ipv4 icmp echo-request`,
        `${tunnel} D ipv4 icmp echo-request`,
      ]),
    );
  });
});

describe('a router with a smaller MTU behind it', () => {
  it.each([
    ['IPv4', '10.88.0.1', 'ipv4 icmp too-big mtu 1300 [cut ipv4 protocol 1]'],
    ['IPv6', 'fd88::1', 'ipv6 icmp too-big mtu 1300 [cut ipv6 protocol 58]'],
  ])('says so over %s, with the packet that did not fit', async (_family, beyond, expected) => {
    await using lab = await createLab();
    const host = await lab.addHost();
    await disableOffloads(host, 'eth0');
    await host.run('ip', 'address', 'add', 'fd77::11/64', 'dev', 'eth0', 'nodad');
    await host.run('ip', 'route', 'add', 'fd88::/64', 'via', 'fd77::1');
    const router = lab.underlay;
    await router.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
    await router.run('ip', 'address', 'add', 'fd77::1/64', 'dev', 'br0', 'nodad');
    for (const prefix of ['10.88.0.0/24', 'fd88::/64']) {
      await router.run('ip', 'route', 'add', prefix, 'dev', 'br0', 'mtu', 'lock', '1300');
    }
    const ping = `ping -n -c 1 -W 5 -M do -s 1400 ${beyond}; true`;
    const frames = await capture(host, () => host.run('sh', '-c', ping));
    expect(kinds(frames)).toContain(expected);
  });
});

describe.each([
  { path: 'auto', outer: 'ipv4 checksum-none udp' },
  { path: 'off', outer: 'ipv4 udp' },
] as const)("flannel's udp backend, fast path $path", ({ path, outer }) => {
  const stack = new AsyncDisposableStack();
  let host: Host;
  let from: Namespace;
  let to: string;

  beforeAll(async () => {
    const cluster = stack.use(await createCluster({ backend: { Type: 'udp' } }));
    const flags = [`--udp-fast-path=${path}`];
    const nodes = [await cluster.addNode({ flags }), await cluster.addNode({ flags })] as const;
    await cluster.converged();
    const containers = [await nodes[0].addContainer(), await nodes[1].addContainer()] as const;
    // The daemons' connections to etcd are captured too.
    await disableOffloads(cluster.lab.underlay, 'br0');
    for (const namespace of [nodes[0].host, nodes[1].host, ...containers]) {
      await disableOffloads(namespace, 'eth0');
    }
    await serve(containers[1]);
    [host, from, to] = [nodes[0].host, containers[0], containers[1].address];
    // Everyone on the way learns the link addresses before anything is captured.
    await from.run('ping', '-n', '-c', '1', '-w', '10', to);
  });
  afterAll(() => stack.disposeAsync());

  it('carries bare packets: every frame is decoded, every checksum is right', async () => {
    const frames = await capture(host, () => talk(from, to));
    const tunnel = `${outer} ipv4`;
    expect(kinds(frames)).toEqual(
      expect.arrayContaining([
        `${tunnel} icmp echo-request`,
        `${tunnel} icmp echo-reply`,
        `${tunnel} fragment`,
        `${tunnel} udp`,
        `${tunnel} tcp`,
        `${tunnel} icmp unreachable [ipv4 protocol 17]`,
      ]),
    );
    expect(longest(frames)).toBe(ETHERNET_HEADER_BYTES + UNDERLAY_MTU);
  });
});
