import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkTransfers, serveTransfers } from './support/check-transfers.ts';
import { missingFor } from './support/kernel.ts';
import { createOverlay, join, modes, type Mode, type Overlay } from './support/overlay.ts';

const names = Object.keys(modes) as Mode[];
const matrix = names.flatMap((first) =>
  names.flatMap((second) => [true, false].map((underlayOffloads) => ({ first, second, underlayOffloads }))),
);

/** Sends 40 datagrams of 1,000 bytes and a shorter one in one call (UDP_SEGMENT), which Node cannot, and compares the echoes. */
const sendSegmented = `
import os, socket, sys
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.settimeout(20)
udp.setsockopt(socket.IPPROTO_UDP, 103, 1000)
data = os.urandom(40_500)
udp.sendto(data, (sys.argv[1], 7000))
sent = sorted(data[at:at + 1000] for at in range(0, len(data), 1000))
print('equal' if sorted(udp.recv(65535) for _ in sent) == sent else 'different')
`;

describe('random data between containers', () => {
  const stack = new AsyncDisposableStack();
  let overlay: Overlay;

  beforeAll(async () => {
    overlay = await createOverlay(stack);
    await serveTransfers(overlay.containers[1]);
  });
  afterAll(() => stack.disposeAsync());

  for (const { first, second, underlayOffloads } of matrix) {
    const title = `${first} to ${second}, underlay offloads: ${underlayOffloads}`;
    describe.skipIf(missingFor(first, second))(title, () => {
      const tunnels = new AsyncDisposableStack();
      beforeAll(async () => {
        for (const host of overlay.hosts) {
          const onOff = underlayOffloads ? 'on' : 'off';
          await host.run('ethtool', '-K', 'eth0', 'tx', onOff, 'tso', onOff, 'gso', onOff, 'gro', onOff);
        }
        const pair = await join(overlay, [modes[first], modes[second]]);
        for (const tunnel of pair) tunnels.use(tunnel);
      });
      afterAll(() => tunnels.disposeAsync());

      it('arrives unchanged', async () => {
        await checkTransfers(overlay.containers[0], overlay.containers[1].address, { seed: 1, bytes: 3e6 });
      });

      it('arrives unchanged from an application that leaves segmentation to the kernel', async () => {
        const [from, to] = overlay.containers;
        expect(await from.run('python3', '-c', sendSegmented, to.address)).toBe('equal\n');
      });
    });
  }
});
