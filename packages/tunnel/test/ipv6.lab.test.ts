import { parseInterfaceAddress } from '@flannel-ts/ip';
import { inNamespace } from '@flannel-ts/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTunnel, type Tunnel } from '../src/index.ts';
import { checkTransfers, serveTransfers } from './support/check-transfers.ts';
import { createOverlay, endpoint, route, subnetOf, type Overlay } from './support/overlay.ts';
import { openSocket, udpPacket } from './support/packets.ts';

/** 1500 less 40 bytes of IPv6 and 8 of UDP. */
const mtu = 1452;
const ipv6SubnetOf = (number: number) => `fd00:5:0:${number}::/64`;
const underlayOf = (number: number) => `fd77::${number}`;

describe.each(['auto', 'none'] as const)('IPv4 and IPv6 over IPv6 with offloads: %s', (offloads) => {
  const stack = new AsyncDisposableStack();
  let overlay: Overlay;
  let tunnels: readonly [Tunnel, Tunnel];

  async function open(number: 1 | 2): Promise<Tunnel> {
    const host = overlay.hosts[number - 1]!;
    await host.run('ip', 'address', 'add', `${underlayOf(number)}/64`, 'dev', 'eth0', 'nodad');
    const tunnel = inNamespace(host.path, () =>
      openTunnel({
        tun: { name: 'flannel0', mtu },
        socket: endpoint(underlayOf(number)),
        underlay: 'eth0',
        offloads,
      }),
    );
    tunnel.setLocalSubnets(
      [subnetOf(number), ipv6SubnetOf(number)].map((subnet) => parseInterfaceAddress(subnet)),
    );
    await host.run('ip', 'address', 'add', `10.5.${number}.0/32`, 'dev', 'flannel0');
    await host.run('ip', 'route', 'add', '10.5.0.0/16', 'dev', 'flannel0');
    await host.run('ip', 'address', 'add', `fd00:5:0:${number}::/128`, 'dev', 'flannel0', 'nodad');
    await host.run('ip', 'route', 'add', 'fd00:5::/48', 'dev', 'flannel0');
    return stack.use(tunnel);
  }

  async function addContainerAddress(number: 1 | 2): Promise<void> {
    const container = overlay.containers[number - 1]!;
    const bridge = `fd00:5:0:${number}::1`;
    await overlay.hosts[number - 1]!.run('ip', 'address', 'add', `${bridge}/64`, 'dev', 'docker0', 'nodad');
    await container.run('ip', 'address', 'add', `fd00:5:0:${number}::2/64`, 'dev', 'eth0', 'nodad');
    await container.run('ip', 'route', 'add', 'default', 'via', bridge);
  }

  beforeAll(async () => {
    overlay = await createOverlay(stack);
    tunnels = [await open(1), await open(2)];
    await addContainerAddress(1);
    await addContainerAddress(2);
    tunnels[0].setRoutes([subnetOf(2), ipv6SubnetOf(2)].map((subnet) => route(subnet, underlayOf(2))));
    tunnels[1].setRoutes([subnetOf(1), ipv6SubnetOf(1)].map((subnet) => route(subnet, underlayOf(1))));
    await serveTransfers(overlay.containers[1]);
  });
  afterAll(() => stack.disposeAsync());

  const ping = (...options: string[]) =>
    overlay.containers[0].run('sh', '-c', `ping -n -W 5 ${options.join(' ')} 2>&1; true`);
  const remote = 'fd00:5:0:2::2';

  it('takes one from the hop limit on each side', async () => {
    // The bridge may still be checking its link-local address, without which it resolves no neighbour.
    await expect.poll(() => ping('-c 1', remote), { timeout: 20_000 }).toContain('ttl=60');
  });

  it('shows both tunnel ends to traceroute', async () => {
    const output = await overlay.containers[0].run('traceroute', '-6', '-n', '-q', '1', '-w', '5', remote);
    const hops = output.split('\n').flatMap((line) => /^ *\d+ +(\S+)/.exec(line)?.[1] ?? []);
    expect(hops).toEqual(['fd00:5:0:1::1', 'fd00:5:0:1::', 'fd00:5:0:2::', expect.any(String), remote]);
  });

  it('reports unknown destinations and packets that are too big', async () => {
    expect(await ping('-c 1', 'fd00:5:0:77::7')).toMatch(/From fd00:5:0:1:: .*No route/);
    await overlay.hosts[0].run('ip', 'route', 'replace', underlayOf(2), 'dev', 'eth0', 'mtu', '1400');
    expect(await ping('-c 1 -M do -s 1390', remote)).toMatch(/From fd00:5:0:1:: .*Packet too big: mtu=1352/);
    await overlay.hosts[0].run('ip', 'route', 'delete', underlayOf(2));
  });

  it('completes a checksum that the sender left to its network card', async () => {
    const [host, peerHost] = overlay.hosts;
    using application = openSocket(host.path, 'fd00:5:0:1::', 2000);
    using peer = openSocket(peerHost.path, underlayOf(2), 9000);
    tunnels[0].updateRoutes({ add: [route(ipv6SubnetOf(3), underlayOf(2), 9000)], remove: [] });
    const addresses = { source: 'fd00:5:0:3::9', destination: 'fd00:5:0:1::' };
    const packet = udpPacket({ ...addresses, payload: Buffer.from('unfinished'), unfinished: true });
    peer.send(packet, 8285, underlayOf(1));
    expect((await application.next()).toString()).toBe('unfinished');
  });

  it.each(['10.5.2.2', remote])('carries random data to %s unchanged', async (address) => {
    await checkTransfers(overlay.containers[0], address, { seed: 5, bytes: 3e6 });
  });
});
