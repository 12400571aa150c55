import { createLeaseTable, keepLease, type LeaseKeeper, type Registry } from '@flannel-ts/subnet';

type KeepLease = typeof keepLease;

/** Takes whatever the registry holds under its key for its own, and writes over it. */
export const renewUnconditionally: KeepLease = (components, options) => {
  const { registry } = components;
  const { attributes } = options.lease;
  const readLease: Registry['readLease'] = async (subnets, call) => {
    const entry = await registry.readLease(subnets, call);
    return entry && { ...entry, attributes };
  };
  return keepLease({ ...components, registry: { ...registry, readLease } }, options);
};

/** Renews once, and no more after a failure. */
export const renewWithoutRetry: KeepLease = (components, options) => {
  const { clock, onEvent } = components;
  let failed = false;
  return keepLease(
    {
      ...components,
      onEvent(event) {
        failed = event.kind === 'failing';
        onEvent(event);
      },
      clock: { ...clock, delay: (ms, call) => clock.delay(failed ? options.ttlMs : ms, call) },
    },
    options,
  );
};

/** Ignores what the watch saw of its own lease. */
export const ignoreWatch: KeepLease = (components, options) =>
  observing(keepLease(components, options), () => undefined);

/** Sees of a snapshot only what differs from what the watch has shown before. */
export const observeDifferences: KeepLease = (components, options) => {
  const keeper = keepLease(components, options);
  const table = createLeaseTable();
  return observing(keeper, (event) => keeper.observe({ kind: 'delta', changes: table.apply(event) }));
};

/** Gives every lease a time to live, reservations too. */
export const expireReservations: KeepLease = (components, options) => {
  const { registry } = components;
  const updateLease: Registry['updateLease'] = (lease, { attributes }, call) =>
    registry.updateLease(lease, { attributes, ttlMs: options.ttlMs }, call);
  return keepLease({ ...components, registry: { ...registry, updateLease } }, options);
};

/** Listens to the daemon's signal before each wait, and never stops. */
export const leakListeners: KeepLease = (components, options) => {
  const { clock } = components;
  const delay: typeof clock.delay = (ms, call) => {
    options.signal.addEventListener('abort', () => undefined);
    return clock.delay(ms, call);
  };
  return keepLease({ ...components, clock: { ...clock, delay } }, options);
};

/** Recreates its lease without a look at the entries of others, before and after. */
export const recreateBlindly: KeepLease = (components, options) => {
  const readSnapshot: Registry['readSnapshot'] = () => Promise.resolve({ leases: [], unreadable: [] });
  return keepLease({ ...components, registry: { ...components.registry, readSnapshot } }, options);
};

function observing(keeper: LeaseKeeper, observe: LeaseKeeper['observe']): LeaseKeeper {
  return {
    ...keeper,
    get lease() {
      return keeper.lease;
    },
    observe,
  };
}
