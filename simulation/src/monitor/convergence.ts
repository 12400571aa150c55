import { getEventListeners } from 'node:events';
import type { HostState } from '@flannel-ts/device';
import type { Entry } from '../registry/entry.ts';
import type { Cluster } from '../world/cluster.ts';
import type { Host } from '../world/host.ts';
import type { Record } from './record.ts';
import { prefix, publicIp } from './writes.ts';

/** Milliseconds that a host has to recover from the last fault that touched it. */
export const RECOVERY_MS = 15 * 60_000;
/** Listeners that a daemon's signal may have; each part of a daemon has a few. */
const LISTENERS = 20;
/** Timers that a host may have. */
const TIMERS = 30;

/** Checks that every host that had time to recover holds a lease, and that its kernel is equal to the leases. */
export function checkConvergence(record: Record, cluster: Cluster): void {
  const { hosts, scheduler } = cluster;
  for (const host of hosts) {
    if (!host.daemon || host.time.paused || !host.troubles.calmFor(RECOVERY_MS)) continue;
    checkLease(record, cluster, host);
    if (host.daemon.held) checkKernel(record, cluster, host);
    checkBounds(record, host);
  }
  const allowed = TIMERS * hosts.length + cluster.store.entries.size + 1000;
  if (scheduler.pending > allowed) record.fail(`${scheduler.pending} timers wait, more than ${allowed}`);
}

function checkLease(record: Record, { store, settings }: Cluster, host: Host): void {
  const { held, heldKey } = host.daemon!;
  if (!held || !heldKey) {
    const { network, subnetLength } = settings.config.ipv4!;
    const isFull = store.entries.size > 2 ** (subnetLength - network.length) / 4;
    if (!isFull) record.fail(`${host.name} has no lease`);
    return;
  }
  const entry = store.entries.get(heldKey);
  if (!entry) record.fail(`${host.name} keeps ${heldKey}, which is not in the registry`);
  else if (publicIp(entry) !== host.publicIp.ipv4?.toString())
    record.fail(`${host.name} keeps ${heldKey}, which is the lease of ${publicIp(entry) ?? 'no host'}`);
}

function checkKernel(record: Record, { store, scheduler, settings }: Cluster, host: Host): void {
  const { states } = host.kernel;
  const settled = scheduler.now - RECOVERY_MS;
  const type = settings.config.backend.type;
  for (const [key, changedAt] of store.changedAt) {
    if (changedAt > settled) continue;
    const expected = peerText(settings, host, store.entries.get(key), type);
    const actual = stateText(states.get(key));
    if (actual !== expected)
      record.fail(`${host.name} has ${actual ?? 'nothing'} for ${key}, and not ${expected ?? 'nothing'}`);
  }
  for (const owner of states.keys()) {
    if (owner !== 'self' && !store.changedAt.has(owner)) record.fail(`${host.name} has state of ${owner}`);
  }
  const address = states.get('self')?.addresses?.[0]?.address.address;
  if (type === 'vxlan' && !address?.equals(host.daemon!.held!.subnets.ipv4?.network))
    record.fail(`${host.name} has the address ${address?.toString() ?? 'none'} for ${host.daemon!.heldKey!}`);
}

/** What a peer's lease asks of a host, written without the code that is under test. */
function peerText(
  { config }: Cluster['settings'],
  host: Host,
  entry: Entry | undefined,
  type: string,
): string | undefined {
  const { key, lease } = entry ?? {};
  if (!lease || !key || lease.attributes.backendType !== type) return undefined;
  const subnet = prefix(key)!;
  if (publicIp(entry) === host.publicIp.ipv4?.toString()) return undefined;
  if (!config.ipv4!.network.contains(subnet)) return undefined;
  if (host.daemon!.held!.subnets.ipv4!.overlaps(subnet)) return undefined;
  const gateway = publicIp(entry)!;
  if (type === 'host-gw') return `${subnet.toString()} via ${gateway}`;
  const mac = (lease.attributes.backendData as { readonly VtepMAC?: string } | null)?.VtepMAC;
  if (!mac || mac === host.kernel.mac) return undefined;
  return `${subnet.toString()} via ${subnet.network.toString()} lladdr ${mac} dst ${gateway}`;
}

const texts = new WeakMap<HostState, string>();

function stateText(state: HostState | undefined): string | undefined {
  if (!state) return undefined;
  const known = texts.get(state);
  if (known) return known;
  const { routes = [], neighbours = [], fdb = [] } = state;
  const text = [
    ...routes.map(({ destination, gateway }) => `${destination.toString()} via ${gateway?.toString() ?? ''}`),
    ...neighbours.map(({ mac }) => `lladdr ${mac}`),
    ...fdb.map(({ destination }) => `dst ${destination.toString()}`),
  ].join(' ');
  texts.set(state, text);
  return text;
}

function checkBounds(record: Record, { name, watches, daemon }: Host): void {
  if (watches.size !== 1) record.fail(`${name} has ${watches.size} watches`);
  for (const { waiting } of watches) if (waiting > 0) record.fail(`${name} has not taken ${waiting} events`);
  const listeners = getEventListeners(daemon!.abort.signal, 'abort').length;
  if (listeners > LISTENERS) record.fail(`the signal of ${name} has ${listeners} listeners`);
}
