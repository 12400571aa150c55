import { setImmediate as turn } from 'node:timers/promises';
import type { KernelEvent, NetlinkConnection } from '@flannel-ts/netlink';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createDevice } from '../src/index.ts';
import { desired, gatewayPeer, ownership, peer, self } from './support/host.ts';

const reject = () => Promise.reject(new Error('the kernel does not answer'));
const throwAtOnce = () => {
  throw new Error('no socket');
};
const failing = (fail: () => never | Promise<never>) => ({
  ...{ links: fail, addresses: fail, routes: fail, neighbours: fail, fdb: fail },
  ...{ routeTo: fail, batch: fail, request: fail, subscribe: throwAtOnce },
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

/** Reports a route that has no destination, and breaks. */
async function* broken(): AsyncGenerator<KernelEvent> {
  await turn();
  yield { kind: 'route', change: 'put', route: {} } as KernelEvent;
  throw new Error('the socket was closed');
}

const kernels: Record<string, NetlinkConnection> = {
  'rejects every request': failing(reject),
  'throws at every request': failing(throwAtOnce),
  'breaks every subscription': { ...failing(reject), subscribe: broken },
};

/** Rejections that had no handler while a test ran. */
const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(() => {
  process.off('unhandledRejection', note);
});

it.each(Object.entries(kernels))(
  'leaves no rejection unhandled when the kernel %s and the listener throws',
  async (_, kernel) => {
    const links = vi.fn(() => kernel.links());
    const subscribe = vi.fn(() => kernel.subscribe({}));
    const onEvent = vi.fn(throwAtOnce);
    const device = createDevice(
      { netlink: { ...kernel, links, subscribe }, onEvent, random: () => 0.001 },
      { reconcileIntervalMs: 5 },
    );
    await expect(device.ensureLink(self.links![0]!)).rejects.toThrow();
    await device.apply(desired({ self, seven: peer(7), gateway: gatewayPeer(9) }), ownership);
    await device.update(desired({ eight: peer(8) }));
    // By timers alone: retries of what failed and of the subscription, and compares now and then.
    await vi.waitFor(() => expect(subscribe.mock.calls.length).toBeGreaterThan(5), { timeout: 20_000 });
    await vi.waitFor(() => expect(links.mock.calls.length).toBeGreaterThan(50), { timeout: 20_000 });
    await device[Symbol.asyncDispose]();
    await turn();
    expect(onEvent).toHaveBeenCalled();
    expect(unhandled).toEqual([]);
  },
);
