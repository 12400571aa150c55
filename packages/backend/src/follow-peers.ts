import type { Device, HostState } from '@flannel-ts/device';
import type { Address, SubnetPair } from '@flannel-ts/ip';
import type { TunnelRoute } from '@flannel-ts/tunnel';
import {
  createLeaseTable,
  type Lease,
  type LeaseChange,
  type LeaseEvent,
  type NetworkConfig,
} from '@flannel-ts/subnet';
import type { Backend, DesiredState } from './backend.ts';
import type { BackendEvent } from './events.ts';
import { createPeerSelection, type PlanChange } from './select-peers.ts';
import { createTunnelPeers, type TunnelPeersChange } from './tunnel-peers.ts';

export interface FollowerComponents {
  readonly backend: Backend;
  readonly device: Device;
  readonly config: NetworkConfig;
  readonly onEvent: (event: BackendEvent) => void;
  /**
   * Called with the hosts with which encapsulated packets are exchanged, before anything is sent to those that are new:
   * first with all of them, then with each change. @default no one
   */
  readonly onTunnelPeers?: ((change: TunnelPeersChange) => void) | undefined;
  /** Drops packets to this host's own subnet while no bridge takes them, instead of routing them on. @default false */
  readonly blackholeOwnSubnet?: boolean | undefined;
  /** What this host had before, perhaps of another network: a blackhole that was left there is removed. */
  readonly formerSubnets?: SubnetPair | undefined;
}

/** Turns leases into kernel and tunnel state. It holds nothing open: a follower that is no longer called is gone. */
export interface PeerFollower {
  /** Number of peers that are followed now. */
  readonly peers: number;
  /** Why leases are not followed that seem meant for us, by lease key, as it is now. */
  readonly skipped: ReadonlyMap<string, string>;
  /** Returns the peers that are gateways to their own subnets: their packets arrive without encapsulation. */
  readonly gateways: () => readonly Address[];
  /**
   * Takes in what the registry's watch yields, one event after another, and resolves when this host is
   * equal to it. Returns what the event changed, our own lease included.
   */
  follow(event: LeaseEvent): Promise<readonly LeaseChange[]>;
}

const SELF = 'self';

/** Follows the leases of peers, as the holder of the lease `self`. */
export function createPeerFollower(components: FollowerComponents, self: Lease): PeerFollower {
  const { backend, device, config, blackholeOwnSubnet = false, formerSubnets: former } = components;
  const { onTunnelPeers = () => undefined } = components;
  const table = createLeaseTable();
  const onSkipped = (lease: string, reason: string) =>
    components.onEvent({ kind: 'peer-skipped', lease, reason });
  const selection = createPeerSelection({ backend, config, onSkipped }, self);
  const { plans, skipped } = selection;
  const tunnelPeers = createTunnelPeers();
  const ownState = backend.planSelf(self);
  const blackholes = blackholeOwnSubnet ? present(self.subnets.ipv4, self.subnets.ipv6) : [];
  let started = false;

  async function applyAll(): Promise<void> {
    backend.tunnel?.setLocalSubnets(ownState.localSubnets ?? []);
    backend.tunnel?.setRoutes([...plans.values()].flatMap(routesOf));
    const desired = new Map<string, HostState>([[SELF, { ...ownState.host, blackholes }]]);
    for (const [key, { host }] of plans) if (host) desired.set(key, host);
    await device.apply(desired, {
      ...backend.ownership,
      blackholesWithin: present(config.ipv4?.network, config.ipv6?.network, former?.ipv4, former?.ipv6),
    });
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
    skipped,
    gateways() {
      const routes = [...plans.values()].flatMap(({ host }) => host?.routes ?? []);
      return routes.flatMap(({ gateway, onlink }) => (gateway && !onlink ? [gateway] : []));
    },
    async follow(event) {
      const changes = table.apply(event);
      const planned = selection.update(changes);
      const peers = tunnelPeers.update(planned.values());
      if (!started || peers.add.length + peers.remove.length > 0) onTunnelPeers(peers);
      if (!started) await applyAll();
      else if (planned.size > 0) await applyChanges(planned);
      started = true;
      return changes;
    },
  };
}

function present<T>(...values: readonly (T | undefined)[]): T[] {
  return values.filter((value) => value !== undefined);
}

function routesOf(state: DesiredState | undefined): readonly TunnelRoute[] {
  return state?.tunnelRoutes ?? [];
}
