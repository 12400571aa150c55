import type { Prefix } from '@flannel-ts/ip';
import type { Cluster } from '../world/cluster.ts';
import { addressOf, type Host } from '../world/host.ts';
import { isFollowed, peerText, stateText } from './peer-text.ts';
import type { RunRecord } from './record.ts';
import type { Settled, SettledCheck } from './settled.ts';

/** What a host's kernel was found right for. */
interface Checked {
  /** The number of the check. */
  readonly number: number;
  readonly heldKey: string;
  readonly address: string | undefined;
  readonly mac: string;
}

/**
 * Returns what checks that the kernel of a host which holds a lease is equal to the settled entries. What was found
 * right and has not changed since, neither in the registry nor in the kernel, is not looked into again.
 */
export function createKernelCheck(record: RunRecord, cluster: Cluster) {
  const { store, settings } = cluster;
  const { backend, ipv4 } = settings.config;
  const found = new Map<Host, Checked>();

  return (host: Host, { number, entries, since }: SettledCheck): void => {
    const { kernel } = host;
    const { heldKey, held } = host.daemon!;
    const now: Checked = { number, heldKey: heldKey!, address: addressOf(host), mac: kernel.mac };
    const last = found.get(host);
    const isSameHost = last?.heldKey === now.heldKey && last.address === now.address && last.mac === now.mac;
    for (const settled of since(isSameHost ? last.number : 0)) checkPeer(host, settled);
    for (const owner of kernel.takeChanged()) {
      const settled = entries.get(owner);
      if (settled) checkPeer(host, settled);
      else if (owner !== 'self' && kernel.states.has(owner) && !store.changedAt.has(owner))
        record.fail(`${host.name} has state of ${owner}`);
    }
    const overlay = kernel.states.get('self')?.addresses?.[0]?.address.address;
    if (backend.type === 'vxlan' && !overlay?.equals(held!.subnets.ipv4?.network))
      record.fail(`${host.name} has the address ${overlay?.toString() ?? 'none'} for ${heldKey!}`);
    found.set(host, now);
  };

  function checkPeer(host: Host, { key, content, peer, isContested }: Settled): void {
    const { held, heldKey } = host.daemon!;
    // Prefixes of one length overlap only if they are equal.
    const overlaps = (prefix: Prefix) =>
      prefix.length !== ipv4!.subnetLength && held!.subnets.ipv4!.overlaps(prefix);
    const isOwn = key === heldKey || content?.publicIp === addressOf(host);
    const isPeer = peer && !isOwn && peer.mac !== host.kernel.mac && !overlaps(peer.prefix);
    const expected = isPeer ? peer : undefined;
    const state = host.kernel.states.get(key);
    if (isFollowed(expected, state) || (!state && expected && isContested)) return;
    record.fail(`${host.name} has ${stateText(state)} for ${key}, and not ${peerText(expected)}`);
  }
}
