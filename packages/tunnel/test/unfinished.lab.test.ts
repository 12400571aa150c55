import { iperf } from '@flannel-ts/lab';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Tunnel } from '../src/index.ts';
import { checkTransfers, serveTransfers } from './support/check-transfers.ts';
import { createOverlay, join, modes, port, route, subnetOf, type Overlay } from './support/overlay.ts';
import { openSocket } from './support/packets.ts';

/** Sends datagrams of 1,200 and one of 500 bytes in one call (UDP_SEGMENT), which Node cannot. */
const sendSegmented = `
import socket, sys
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.setsockopt(socket.IPPROTO_UDP, 103, 1200)
udp.sendto(bytes(int(sys.argv[2])), (sys.argv[1], 2000))
`;

/**
 * A peer's fast path leaves checksums and segmentation to network cards, which virtual links have none of. Its packets end in
 * user space where the receiver lost its fast path and the sender does not know that yet.
 */
describe.each(['auto', 'none'] as const)(
  'packets of a fast path that end in user space, with offloads: %s',
  (offloads) => {
    const stack = new AsyncDisposableStack();
    let overlay: Overlay;
    let sender: Tunnel;
    let receiver: Tunnel;

    beforeAll(async () => {
      overlay = await createOverlay(stack);
      for (const host of overlay.hosts)
        await host.run('sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1');
      [sender, receiver] = await join(overlay, [modes['fast path'], { underlay: 'eth0', offloads }]);
      for (const tunnel of [sender, receiver]) stack.use(tunnel);
      expect([sender.fastPath.on, receiver.fastPath.on]).toEqual([true, false]);
      sender.setRoutes([route(subnetOf(2), overlay.hosts[1].address, port, true)]);
      await serveTransfers(overlay.containers[1]);
    });
    afterAll(() => stack.disposeAsync());
    afterEach(() => expect(receiver.stats().drops).toMatchObject({ unfinished: 0, malformed: 0 }));

    it.each([
      ['larger than the MTU', [1200, 1200, 1200, 500]],
      ['smaller than the MTU', [1200, 100]],
    ])('keep the borders of datagrams that were sent in one call, together %s', async (_title, sizes) => {
      const [from, to] = overlay.containers;
      using application = openSocket(to.path, to.address, 2000);
      const before = receiver.stats().received;
      const total = sizes.reduce((sum, size) => sum + size);
      await from.run('python3', '-c', sendSegmented, to.address, `${total}`);
      await expect.poll(() => application.received.map(({ data }) => data.length)).toEqual(sizes);
      const after = receiver.stats().received;
      expect(after.packets - before.packets).toBe(sizes.length);
      expect(after.bytes - before.bytes).toBe(total + sizes.length * 28);
    });

    it('carry random data over TCP and UDP unchanged', async () => {
      await checkTransfers(overlay.containers[0], overlay.containers[1].address, { seed: 7, bytes: 3e6 });
    });

    it('carry a bulk transfer', async () => {
      const [from, to] = overlay.containers;
      expect(await iperf(from, to, { seconds: 1 })).toBeGreaterThan(1e6);
    });
  },
);
