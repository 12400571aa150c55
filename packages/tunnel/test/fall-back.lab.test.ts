import { countAnswers } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tunnel } from '../src/index.ts';
import { checkTransfers, serveTransfers } from './support/check-transfers.ts';
import { noFastPath } from './support/kernel.ts';
import { createOverlay, join, modes, type Overlay } from './support/overlay.ts';

const NEEDS_LINUX = expect.stringMatching(/ EINVAL .*; it needs Linux 6\.6 or later$/) as string;

/** On every kernel: what is expected of one without a fast path is all that its users have. */
describe('tunnels that ask for a fast path', () => {
  const stack = new AsyncDisposableStack();
  let overlay: Overlay;
  let tunnels: readonly [Tunnel, Tunnel];

  beforeAll(async () => {
    overlay = await createOverlay(stack);
    tunnels = await join(overlay, [modes['fast path'], modes['fast path']]);
    for (const tunnel of tunnels) stack.use(tunnel);
  });
  afterAll(() => stack.disposeAsync());

  it('have one exactly where the kernel has what it takes, and the reason where not', () => {
    for (const { fastPath } of tunnels) {
      if (noFastPath === undefined) expect(fastPath).toEqual({ on: true });
      else expect(fastPath).toMatchObject({ on: false, reason: NEEDS_LINUX });
    }
  });

  it('have a device for it exactly when it is on', async () => {
    for (const [index, host] of overlay.hosts.entries())
      expect((await host.run('ip', 'link')).includes('flannel0-rx')).toBe(tunnels[index]!.fastPath.on);
  });

  it('carry packets of both directions in either case', async () => {
    const [from, to] = overlay.containers;
    expect(await countAnswers(from, to.address, { count: 10 })).toBe(10);
    expect(await countAnswers(to, from.address, { count: 10 })).toBe(10);
    await serveTransfers(to);
    await checkTransfers(from, to.address, { seed: 1, bytes: 1e6 });
  });
});
