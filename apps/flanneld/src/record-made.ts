import type { Device, HostState } from '@flannel-ts/device';
import { madeText, type Made, type MadeRecord } from './made-record.ts';

/** A device that records links, and routes through other hosts, before it makes them. */
export interface RecordedDevice extends Device {
  /** Returns what the desired state has, as lines of the record. */
  desired(): ReadonlySet<string>;
}

export function recordMade(device: Device, record: MadeRecord): RecordedDevice {
  /** What is desired, by owner, as lines of the record. */
  const desired = new Map<string, readonly string[]>();

  function add(states: ReadonlyMap<string, HostState | undefined>): void {
    for (const [owner, state] of states) {
      const made = madeFor(state);
      record.add(made);
      desired.set(owner, made.map(madeText));
    }
  }

  return {
    ...device,
    ensureLink(link) {
      record.add([{ kind: 'link', name: link.name }]);
      return device.ensureLink(link);
    },
    apply(states, ownership) {
      desired.clear();
      add(states);
      return device.apply(states, ownership);
    },
    update(changes) {
      add(changes);
      return device.update(changes);
    },
    desired: () => new Set([...desired.values()].flat()),
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
