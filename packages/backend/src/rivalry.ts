import { prefixOf, type Address, type Prefix } from '@flannel-ts/ip';
import { SubnetTree } from './subnet-tree.ts';

/** What a lease takes for itself: no two followed leases may differ in it. */
export interface Claim {
  readonly subnet: Prefix;
  /** Where frames to a VTEP go; empty for backends without VTEPs. */
  readonly vteps: readonly { readonly mac: string; readonly destination: Address }[];
}

/**
 * Leases that cannot be followed side by side, because their subnets overlap or because they send frames for one VTEP
 * to different hosts. Which one comes first depends on the leases alone, not on the order in which they are set: of
 * overlapping subnets one as long as hosts lease them, then the more specific one, then the smaller key; of hosts with
 * one VTEP that of the smallest key. A lease that gives way still makes others give way: a change concerns its rivals
 * and no others.
 */
export interface Rivalry {
  /** Sets what a lease claims; `undefined` withdraws it. */
  set(lease: string, claim: Claim | undefined): void;
  /** Returns the leases whose standing may have changed since the last call. */
  takeChanged(): ReadonlySet<string>;
  /** Returns why a lease gives way to another one; `undefined` when it does not. */
  reasonToYield(lease: string): string | undefined;
}

/** The leases that claim a VTEP, and the one that has it: that of the smallest key. */
interface Vtep {
  readonly destinations: Map<string, Address>;
  winner: string;
}

/** @param subnetLength - the prefix length of subnets that hosts lease now */
export function createRivalry(subnetLength: number): Rivalry {
  const claims = new Map<string, Claim>();
  const subnets = new SubnetTree();
  const vteps = new Map<string, Vtep>();
  let changed = new Set<string>();
  let contested = new Set<Vtep>();

  function add(lease: string, { subnet, vteps: claimed }: Claim): void {
    subnets.add(subnet, lease);
    noteOverlaps(subnet);
    for (const { mac, destination } of claimed) {
      const vtep = vteps.get(mac) ?? { destinations: new Map<string, Address>(), winner: lease };
      vteps.set(mac, vtep);
      vtep.destinations.set(lease, destination);
      if (lease > vtep.winner) continue;
      vtep.winner = lease;
      contested.add(vtep);
    }
  }

  function remove(lease: string, { subnet, vteps: claimed }: Claim): void {
    noteOverlaps(subnet);
    subnets.delete(subnet, lease);
    for (const { mac } of claimed) {
      const vtep = vteps.get(mac)!;
      vtep.destinations.delete(lease);
      if (vtep.destinations.size === 0) vteps.delete(mac);
      if (vtep.winner !== lease || vtep.destinations.size === 0) continue;
      vtep.winner = [...vtep.destinations.keys()].reduce((a, b) => (a < b ? a : b));
      contested.add(vtep);
    }
  }

  /** Notes the leases that a lease of this subnet may make give way. */
  function noteOverlaps(subnet: Prefix): void {
    for (const key of subnets.around(subnet)) changed.add(key);
    if (subnet.length === subnetLength) for (const key of subnets.inside(subnet)) changed.add(key);
  }

  function rivalForSubnet(lease: string, { subnet }: Claim): string | undefined {
    const first = subnets.first(subnet);
    if (first !== lease) return first;
    if (subnet.length === subnetLength) return undefined;
    const leased =
      subnet.length > subnetLength ? subnets.first(prefixOf(subnet.network, subnetLength)) : undefined;
    return leased ?? subnets.inside(subnet)[0];
  }

  return {
    set(lease, claim) {
      const former = claims.get(lease);
      changed.add(lease);
      if (claim) claims.set(lease, claim);
      else claims.delete(lease);
      if (isSame(former, claim)) return;
      if (former) remove(lease, former);
      if (claim) add(lease, claim);
    },
    takeChanged() {
      const taken = changed;
      if (taken.size === 0) return taken;
      for (const { destinations } of contested) for (const lease of destinations.keys()) taken.add(lease);
      changed = new Set();
      contested = new Set();
      return taken;
    },
    reasonToYield(lease) {
      const claim = claims.get(lease);
      if (!claim) return undefined;
      const rival = rivalForSubnet(lease, claim);
      if (rival)
        return `its subnet overlaps that of ${rival}, which comes first; delete the lease that is wrong, and its host takes another subnet`;
      for (const { mac, destination } of claim.vteps) {
        const { winner, destinations } = vteps.get(mac)!;
        if (destination.equals(destinations.get(winner))) continue;
        return `VtepMAC ${mac} is that of ${winner} too, which comes first; give the hosts different MAC addresses: delete the VXLAN device of one and restart flanneld there (clones need an /etc/machine-id of their own)`;
      }
      return undefined;
    },
  };
}

function isSame(a: Claim | undefined, b: Claim | undefined): boolean {
  return a !== undefined && b !== undefined && claimText(a) === claimText(b);
}

function claimText({ subnet, vteps }: Claim): string {
  const texts = vteps.map(({ mac, destination }) => `${mac} ${destination.toString()}`);
  return [subnet.toString(), ...texts].join();
}
