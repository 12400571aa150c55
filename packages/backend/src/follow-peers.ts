import type { Device, HostState } from '@flannel-ts/device';
import type { TunnelRoute } from '@flannel-ts/tunnel';
import {
  createLeaseTable,
  isSameHost,
  leaseKey,
  type Lease,
  type LeaseChange,
  type LeaseEvent,
  type NetworkConfig,
} from '@flannel-ts/subnet';
import type { Backend, WantedState } from './backend.ts';
import { PeerDataError } from './errors.ts';
import type { BackendEvent } from './events.ts';

export interface FollowerComponents {
  readonly backend: Backend;
  readonly device: Device;
  readonly config: NetworkConfig;
  readonly onEvent: (event: BackendEvent) => void;
}

/** Turns leases into kernel and tunnel state. */
export interface PeerFollower {
  /** Number of peers that are followed now. */
  readonly peers: number;
  /**
   * Takes in what the registry's watch yields, one event after another, and resolves when this host is
   * equal to it. Returns what the event changed, our own lease included.
   */
  follow(event: LeaseEvent): Promise<readonly LeaseChange[]>;
}

const SELF = 'self';

/** Follows the leases of peers, as the holder of the lease `self`. */
export function createPeerFollower(components: FollowerComponents, self: Lease): PeerFollower {
  const { backend, device } = components;
  const table = createLeaseTable();
  const plans = new Map<string, WantedState>();
  const ownState = backend.planSelf(self);
  let started = false;

  /** Plans one change. The cost is that of the change. */
  function plan(change: LeaseChange): {
    key: string;
    before: WantedState | undefined;
    after: WantedState | undefined;
  } {
    const key = leaseKey(change.kind === 'put' ? change.lease : change);
    const before = plans.get(key);
    const after = change.kind === 'put' ? planPeer(components, self, change.lease) : undefined;
    if (after) plans.set(key, after);
    else plans.delete(key);
    return { key, before, after };
  }

  async function applyAll(): Promise<void> {
    device.own(backend.ownership);
    backend.tunnel?.setOwn(ownState.own ?? []);
    backend.tunnel?.setRoutes([...plans.values()].flatMap(routesOf));
    const states: [string, HostState][] = [...plans].map(([key, state]) => [key, state.host ?? {}]);
    await device.apply(new Map([[SELF, ownState.host ?? {}], ...states]));
  }

  async function applyChanges(changes: readonly ReturnType<typeof plan>[]): Promise<void> {
    backend.tunnel?.updateRoutes({
      add: changes.flatMap(({ after }) => routesOf(after)),
      remove: changes.flatMap(({ before }) => routesOf(before)).map(({ destination }) => destination),
    });
    await device.update(new Map(changes.map(({ key, after }) => [key, after?.host])));
  }

  return {
    get peers() {
      return plans.size;
    },
    async follow(event) {
      const changes = table.apply(event);
      const planned = changes.map(plan);
      await (started ? applyChanges(planned) : applyAll());
      started = true;
      return changes;
    },
  };
}

/** What a peer's lease wants, or `undefined` for a lease that is none of our business, with the reason told. */
function planPeer(
  { backend, config, onEvent }: FollowerComponents,
  self: Lease,
  lease: Lease,
): WantedState | undefined {
  const key = leaseKey(lease);
  if (key === leaseKey(self)) return undefined;
  const skip = (reason: string) => {
    onEvent({ kind: 'peer-skipped', lease: key, reason });
    return undefined;
  };
  const { ipv4 } = lease.subnets;
  if (isSameHost(lease.attributes, self.attributes))
    return skip('it carries our own public IP: a former lease of this host');
  if (!ipv4 || !config.ipv4?.network.contains(ipv4)) return skip('it is outside the cluster network');
  if (self.subnets.ipv4?.overlaps(ipv4)) return skip('it overlaps our own subnet');
  try {
    return backend.planPeer(lease);
  } catch (error) {
    if (error instanceof PeerDataError) return skip(error.message);
    throw error;
  }
}

function routesOf(state: WantedState | undefined): readonly TunnelRoute[] {
  return state?.tunnelRoutes ?? [];
}
