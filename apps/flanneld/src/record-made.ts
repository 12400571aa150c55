import type { Device, HostState } from '@flannel-ts/device';
import type { Made, MadeRecord } from './made-record.ts';

/** A device that records links, and routes through other hosts, before it makes them. */
export function recordMade(device: Device, record: MadeRecord): Device {
  return {
    ...device,
    ensureLink(link) {
      record.add([{ kind: 'link', name: link.name }]);
      return device.ensureLink(link);
    },
    apply(desired, ownership) {
      record.add([...desired.values()].flatMap(madeFor));
      return device.apply(desired, ownership);
    },
    update(changes) {
      record.add([...changes.values()].flatMap(madeFor));
      return device.update(changes);
    },
  };
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
