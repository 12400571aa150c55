import type { Device, HostState } from '@flannel-ts/device';
import type { Lease, NetworkConfig } from '@flannel-ts/subnet';
import type { Made, MadeRecord } from './made-record.ts';

/** A device that records links, and routes through other hosts, before it makes them. */
export function recordMade(device: Device, record: MadeRecord): Device {
  return {
    ...device,
    ensureLink(link) {
      record.add([{ kind: 'link', name: link.name }]);
      return device.ensureLink(link);
    },
    apply(wanted) {
      record.add([...wanted.values()].flatMap(madeFor));
      return device.apply(wanted);
    },
    update(changes) {
      record.add([...changes.values()].flatMap(madeFor));
      return device.update(changes);
    },
  };
}

/** The overlays in which a host holds a lease. */
export function overlaysOf(config: NetworkConfig, { subnets }: Lease): Made[] {
  const families = [
    { network: config.ipv4?.network, subnet: subnets.ipv4 },
    { network: config.ipv6?.network, subnet: subnets.ipv6 },
  ];
  return families.flatMap(({ network, subnet }) =>
    network && subnet ? [{ kind: 'overlay', network, subnet }] : [],
  );
}

/** Routes on our own devices go with the devices; they are on-link, or have no gateway. */
function madeFor({ links = [], routes = [] }: HostState = {}): Made[] {
  return [
    ...links.map(({ name }) => ({ kind: 'link', name }) as const),
    ...routes.flatMap(({ destination, gateway, onlink }): Made[] =>
      gateway && !onlink ? [{ kind: 'route', destination, gateway }] : [],
    ),
  ];
}
