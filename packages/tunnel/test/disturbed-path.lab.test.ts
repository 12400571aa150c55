import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkTransfers, serveTransfers } from './support/check-transfers.ts';
import { createOverlay, openTunnelOn, subnetOf, type Overlay } from './support/overlay.ts';
import { startRelay } from './support/relay.ts';
import { parsePrefix } from '@flannel-ts/ip';

describe('a path that loses and reorders datagrams', () => {
  const stack = new AsyncDisposableStack();
  let overlay: Overlay;

  beforeAll(async () => {
    overlay = await createOverlay(stack);
    await serveTransfers(overlay.containers[1]);
  });
  afterAll(() => stack.disposeAsync());

  it.each(['auto', 'none'] as const)('delivers TCP streams unchanged with offloads: %s', async (offloads) => {
    const { lab, hosts, containers } = overlay;
    using relay = startRelay(lab, hosts, { loss: 0.01, reorder: 0.02 });
    await using first = await openTunnelOn(hosts[0], 1, { offloads });
    await using second = await openTunnelOn(hosts[1], 2, { offloads });
    first.setRoutes([{ destination: parsePrefix(subnetOf(2)), peer: relay.endpoints[0] }]);
    second.setRoutes([{ destination: parsePrefix(subnetOf(1)), peer: relay.endpoints[1] }]);
    await checkTransfers(containers[0], containers[1].address, { seed: 3, bytes: 1e6, datagrams: false });
    expect(relay.disturbed.lost).toBeGreaterThan(10);
    expect(relay.disturbed.reordered).toBeGreaterThan(10);
  });
});
