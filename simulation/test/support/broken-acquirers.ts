import { parseAddress } from '@flannel-ts/ip';
import {
  acquireLease,
  leaseKey,
  LeaseExistsError,
  type Lease,
  type LeaseSnapshot,
  type Registry,
} from '@flannel-ts/subnet';

type AcquireLease = typeof acquireLease;

/** Takes another host's lease when it loses a race. */
export const overwriteOnConflict: AcquireLease = (components, options) => {
  const { registry } = components;
  const createLease: Registry['createLease'] = async (request, call) => {
    try {
      return await registry.createLease(request, call);
    } catch (error) {
      const current = error instanceof LeaseExistsError && (await registry.readLease(request.subnets, call));
      if (!current) throw error;
      return registry.updateLease(current, request, call);
    }
  };
  return acquireLease({ ...components, registry: { ...registry, createLease } }, options);
};

/** Does not know the subnet that the host had before. */
export const ignoreSubnetFile: AcquireLease = (components, options) =>
  acquireLease(components, { ...options, previous: undefined });

/** Does not know the lease that the daemon has kept until now. */
export const ignoreHeldLease: AcquireLease = (components, options) =>
  acquireLease(components, { ...options, held: undefined });

/** Knows the lease that the daemon has kept by its revision alone, which a restored registry may repeat. */
export const compareRevisions: AcquireLease = (components, options) => {
  const { held, snapshot } = options;
  const isHeld = (lease: Lease) =>
    held && leaseKey(lease) === leaseKey(held) && lease.revision === held.revision;
  return acquireLease(components, { ...options, held: snapshot?.leases.find(isHeld) ?? held });
};

/** Does not see leases of another prefix length. */
export const ignoreOtherLengths: AcquireLease = (components, options) =>
  seeing(components, options, ({ leases, unreadable }) => ({
    leases: leases.filter(({ subnets }) => subnets.ipv4?.length === options.config.ipv4?.subnetLength),
    unreadable,
  }));

/** Takes a host for another one when its IPv6 address differs, in a network of IPv4. */
export const compareIPv6: AcquireLease = (components, options) => {
  const own = options.attributes.publicIp.ipv6;
  const isOther = ({ attributes }: Lease) =>
    own && attributes.publicIp.ipv6 && !own.equals(attributes.publicIp.ipv6);
  const disguise = (lease: Lease): Lease =>
    isOther(lease)
      ? { ...lease, attributes: { ...lease.attributes, publicIp: { ipv4: parseAddress('198.51.100.9') } } }
      : lease;
  return seeing(components, options, ({ leases, unreadable }) => ({
    leases: leases.map(disguise),
    unreadable,
  }));
};

/** Acquires a lease from what a look at the entries leaves. */
function seeing(
  components: Parameters<AcquireLease>[0],
  options: Parameters<AcquireLease>[1],
  look: (snapshot: LeaseSnapshot) => LeaseSnapshot,
): Promise<Lease> {
  const { registry } = components;
  const readSnapshot: Registry['readSnapshot'] = async (call) => look(await registry.readSnapshot(call));
  return acquireLease(
    { ...components, registry: { ...registry, readSnapshot } },
    { ...options, snapshot: options.snapshot && look(options.snapshot) },
  );
}
