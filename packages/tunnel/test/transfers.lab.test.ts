import { afterAll, beforeAll, describe, it } from 'vitest';
import { checkTransfers, serveTransfers } from './support/check-transfers.ts';
import { createOverlay, join, type Overlay } from './support/overlay.ts';

const modes = ['auto', 'none'] as const;
const matrix = modes.flatMap((first) =>
  modes.flatMap((second) => [true, false].map((underlayOffloads) => ({ first, second, underlayOffloads }))),
);

describe('random data between containers', () => {
  const stack = new AsyncDisposableStack();
  let overlay: Overlay;

  beforeAll(async () => {
    overlay = await createOverlay(stack);
    await serveTransfers(overlay.containers[1]);
  });
  afterAll(() => stack.disposeAsync());

  describe.each(matrix)('offloads $first to $second, of the underlay: $underlayOffloads', (row) => {
    const tunnels = new AsyncDisposableStack();
    beforeAll(async () => {
      for (const host of overlay.hosts) {
        const onOff = row.underlayOffloads ? 'on' : 'off';
        await host.run('ethtool', '-K', 'eth0', 'tx', onOff, 'tso', onOff, 'gso', onOff, 'gro', onOff);
      }
      const pair = await join(overlay, [{ offloads: row.first }, { offloads: row.second }]);
      for (const tunnel of pair) tunnels.use(tunnel);
    });
    afterAll(() => tunnels.disposeAsync());

    it('arrives unchanged', async () => {
      await checkTransfers(overlay.containers[0], overlay.containers[1].address, { seed: 1, bytes: 3e6 });
    });
  });
});
