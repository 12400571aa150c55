import { countAnswers } from '@flannel-ts/lab';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkTransfers, serveTransfers } from './support/check-transfers.ts';
import { describeModes } from './support/kernel.ts';
import { createOverlay, join, modes, type Overlay } from './support/overlay.ts';

const UNDERLAY_MTU = 9000;
/** Of IPv4 and ICMP. */
const HEADERS = 28;

describeModes('over an underlay of jumbo frames', (mode) => {
  const stack = new AsyncDisposableStack();
  let overlay: Overlay;
  beforeAll(async () => {
    overlay = await createOverlay(stack, UNDERLAY_MTU);
    for (const tunnel of await join(overlay, [modes[mode], modes[mode]])) stack.use(tunnel);
    await serveTransfers(overlay.containers[1]);
  });
  afterAll(() => stack.disposeAsync());

  it('the largest packet arrives whole', async () => {
    const [from, to] = overlay.containers;
    const largest = ['-M', 'do', '-s', `${overlay.mtu - HEADERS}`];
    expect(await countAnswers(from, to.address, { count: 2, options: largest })).toBe(2);
  });

  it('random data arrives unchanged, in super-packets and in single ones', async () => {
    const [from, to] = overlay.containers;
    await checkTransfers(from, to.address, { seed: 3, bytes: 3e6 });
    for (const container of overlay.containers)
      await container.run('ethtool', '-K', 'eth0', 'tso', 'off', 'gso', 'off');
    await checkTransfers(from, to.address, { seed: 4, bytes: 3e6 });
  });
});
