import { formatSubnetKey, parseAddress, type Prefix } from '@flannel-ts/ip';
import { encodeLeaseAttributes } from '@flannel-ts/subnet';
import { subnetsOf } from '../registry/entry.ts';
import type { Cluster } from '../world/cluster.ts';
import type { Host } from '../world/host.ts';
import type { Junk, Overwrite } from './fault.ts';

/** Writes something that no daemon wrote, where it hurts none that behaves, and deletes it in the end. */
export function injectJunk(
  cluster: Cluster,
  { what, choice, durationMs }: { readonly what: Junk; readonly choice: number; readonly durationMs: number },
): void {
  const { store } = cluster;
  const [key, value] = junk(cluster, what, choice);
  if (!key || store.entries.has(key)) return;
  store.put(key, value);
  deleteLater(cluster, { key, value, durationMs });
}

function junk(
  cluster: Cluster,
  what: Junk,
  choice: number,
): readonly [key: string | undefined, value: string] {
  const network = cluster.settings.config.ipv4!;
  const { subnetLength } = network;
  const type = cluster.settings.config.backend.type;
  const other = { BackendType: type, BackendData: { VNI: 1, VtepMAC: '02:ff:00:00:00:01' } };
  const value = JSON.stringify({ PublicIP: '198.51.100.1', ...other });
  const free = (length: number) => freeKey(cluster, length, choice);
  switch (what) {
    case 'bad-key':
      return ['nonsense', value];
    case 'bad-value':
      return [free(subnetLength), '{"PublicIP":"198.51.100'];
    case 'bad-peer-data':
      return [
        free(subnetLength),
        JSON.stringify({ PublicIP: '198.51.100.2', BackendType: type, BackendData: 7 }),
      ];
    case 'wide-reservation':
      return [free(subnetLength - 1 - (choice % 2)), value];
    case 'narrow-reservation':
      return [free(subnetLength + 1), value];
    case 'reservation-for-host': {
      const host = cluster.hosts[choice % cluster.hosts.length]!;
      return [free(subnetLength), JSON.stringify({ PublicIP: host.publicIp.ipv4!.toString() })];
    }
    case 'other-backend':
      return [free(subnetLength), JSON.stringify({ PublicIP: '198.51.100.3', BackendType: 'ipsec' })];
    case 'outside-network':
      return ['172.16.0.0-24', value];
  }
}

/** Returns the key of a prefix of the network that overlaps no entry; `undefined` when there is none. */
function freeKey({ store, settings }: Cluster, length: number, choice: number): string | undefined {
  const { network } = settings.config.ipv4!;
  const taken = [...store.entries.keys()]
    .map((key) => subnetsOf(key)?.ipv4)
    .filter((prefix) => prefix !== undefined);
  const isFree = (prefix: Prefix) => !taken.some((other) => other.overlaps(prefix));
  const all = [...network.subnets(length)];
  const start = choice % all.length;
  const found = [...all.slice(start), ...all.slice(0, start)].find(isFree);
  return found && formatSubnetKey({ ipv4: found });
}

/** Writes over a host's lease. */
export function overwriteLease(
  cluster: Cluster,
  fault: {
    readonly host: Host;
    readonly key: string;
    readonly what: Overwrite;
    readonly durationMs: number;
  },
): void {
  const { store } = cluster;
  const { host, key, what, durationMs } = fault;
  const values: Readonly<Record<Overwrite, () => string>> = {
    garbage: () => 'garbage',
    'another-host': () => encodeLeaseAttributes({ publicIp: { ipv4: parseAddress('198.51.100.4') } }),
    'same-host': () => encodeLeaseAttributes({ publicIp: host.publicIp }),
  };
  const value = values[what]();
  host.troubles.mark();
  store.put(key, value);
  if (what !== 'same-host') deleteLater(cluster, { key, value, durationMs });
}

function deleteLater(
  { scheduler, store }: Cluster,
  { key, value, durationMs }: { readonly key: string; readonly value: string; readonly durationMs: number },
): void {
  scheduler.at(scheduler.now + durationMs, () => {
    if (store.entries.get(key)?.value === value) store.delete(key);
  });
}
