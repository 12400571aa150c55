import type { Device, HostState } from '@flannel-ts/device';
import type { Address, SubnetPair } from '@flannel-ts/ip';
import type { TunnelRoute } from '@flannel-ts/tunnel';
import {
  changedKey,
  createLeaseTable,
  enabledFamilies,
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
  /** Drops packets to this host's own subnet while no bridge takes them, instead of routing them on. @default false */
  readonly blackholeOwnSubnet?: boolean | undefined;
  /** What this host had before, perhaps of another network: a blackhole that was left there is removed. */
  readonly formerSubnets?: SubnetPair | undefined;
}

/** Turns leases into kernel and tunnel state. */
export interface PeerFollower {
  /** Number of peers that are followed now. */
  readonly peers: number;
  /** Returns the peers that are gateways to their own subnets: their packets arrive without encapsulation. */
  readonly gateways: () => readonly Address[];
  /**
   * Takes in what the registry's watch yields, one event after another, and resolves when this host is
   * equal to it. Returns what the event changed, our own lease included.
   */
  follow(event: LeaseEvent): Promise<readonly LeaseChange[]>;
}

/** What a lease asked of this host, and what it asks now. */
interface PlanChange {
  readonly before: WantedState | undefined;
  readonly after: WantedState | undefined;
}

const SELF = 'self';

/** Follows the leases of peers, as the holder of the lease `self`. */
export function createPeerFollower(components: FollowerComponents, self: Lease): PeerFollower {
  const { backend, device, config, blackholeOwnSubnet = false, formerSubnets: former } = components;
  const table = createLeaseTable([self]);
  const plans = new Map<string, WantedState>();
  const ownState = backend.planSelf(self);
  const blackholes = blackholeOwnSubnet ? present(self.subnets.ipv4, self.subnets.ipv6) : [];
  let started = false;

  /** Plans changes, by lease: one that changes twice counts as one change. The cost is that of the changes. */
  function plan(changes: readonly LeaseChange[]): ReadonlyMap<string, PlanChange> {
    const planned = new Map<string, PlanChange>();
    for (const change of changes) {
      // A peer whose lease was damaged keeps its routes until the lease goes.
      if (change.kind === 'unreadable') continue;
      const key = changedKey(change);
      const { before } = planned.get(key) ?? { before: plans.get(key) };
      const after = change.kind === 'put' ? planPeer(components, self, change.lease) : undefined;
      if (after) plans.set(key, after);
      else plans.delete(key);
      planned.set(key, { before, after });
    }
    return planned;
  }

  async function applyAll(): Promise<void> {
    device.own({
      ...backend.ownership,
      blackholesWithin: present(config.ipv4?.network, config.ipv6?.network, former?.ipv4, former?.ipv6),
    });
    backend.tunnel?.setOwn(ownState.own ?? []);
    backend.tunnel?.setRoutes([...plans.values()].flatMap(routesOf));
    const wanted = new Map<string, HostState>([[SELF, { ...ownState.host, blackholes }]]);
    for (const [key, { host }] of plans) if (host) wanted.set(key, host);
    await device.apply(wanted);
  }

  async function applyChanges(changes: ReadonlyMap<string, PlanChange>): Promise<void> {
    const all = [...changes.values()];
    backend.tunnel?.updateRoutes({
      add: all.flatMap(({ after }) => routesOf(after)),
      remove: all.flatMap(({ before }) => routesOf(before)).map(({ destination }) => destination),
    });
    await device.update(new Map([...changes].map(([key, { after }]) => [key, after?.host])));
  }

  return {
    get peers() {
      return plans.size;
    },
    gateways() {
      const routes = [...plans.values()].flatMap(({ host }) => host?.routes ?? []);
      return routes.flatMap(({ gateway, onlink }) => (gateway && !onlink ? [gateway] : []));
    },
    async follow(event) {
      const changes = table.apply(event);
      const planned = plan(changes);
      await (started ? applyChanges(planned) : applyAll());
      started = true;
      return changes;
    },
  };
}

/** What a peer's lease wants, or `undefined` for a lease that is none of our business, with the reason told. */
function planPeer(components: FollowerComponents, self: Lease, lease: Lease): WantedState | undefined {
  const key = leaseKey(lease);
  if (key === leaseKey(self)) return undefined;
  let reason = reasonToSkip(components.config, self, lease);
  try {
    if (!reason) return components.backend.planPeer(lease);
  } catch (error) {
    if (!(error instanceof PeerDataError)) throw error;
    reason = error.message;
  }
  components.onEvent({ kind: 'peer-skipped', lease: key, reason });
  return undefined;
}

/** Why following a lease would do harm, whatever the backend. */
function reasonToSkip(
  config: NetworkConfig,
  self: Lease,
  { subnets, attributes }: Lease,
): string | undefined {
  const { ipv4 } = config;
  if (isSameHost(attributes, self.attributes, enabledFamilies(config)))
    return 'it carries our own public IP: a former lease of this host';
  if (!subnets.ipv4 || !ipv4?.network.contains(subnets.ipv4)) return 'it is outside the cluster network';
  return self.subnets.ipv4?.overlaps(subnets.ipv4) ? 'it overlaps our own subnet' : undefined;
}

function present<T>(...values: readonly (T | undefined)[]): T[] {
  return values.filter((value) => value !== undefined);
}

function routesOf(state: WantedState | undefined): readonly TunnelRoute[] {
  return state?.tunnelRoutes ?? [];
}
