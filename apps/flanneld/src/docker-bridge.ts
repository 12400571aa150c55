import type { SubnetEnv } from '@flannel-ts/docker-options';
import type { KernelEvent, Link, LinkAddress, NetlinkConnection } from '@flannel-ts/netlink';
import type { Conditions, ConditionState } from './conditions.ts';
import { messageOf } from './message-of.ts';

const BRIDGE = 'docker0';

/** The MTU of a new bridge without ports; Docker Engine 20.10 leaves it so, whatever its `--mtu`. */
const DEFAULT_MTU = 1500;

const FIX = 'run: systemctl restart docker';

/** What docker0 has to be for its containers to reach other hosts. */
export interface DesiredBridge {
  /** What subnet.env holds. */
  readonly env: SubnetEnv;
  /** The daemon writes Docker's options, so docker0 has to be on the lease wherever it is now. */
  readonly managed: boolean;
}

/** What the kernel has. */
export interface HostLinks {
  readonly links: readonly Link[];
  readonly addresses: readonly LinkAddress[];
}

export interface BridgeVerdict {
  readonly state: ConditionState;
  readonly reason?: string;
}

/**
 * Compares docker0 with the lease. Nothing is wrong without docker0 or without its IPv4 address, since Docker may be
 * absent, nor when Docker is not managed and docker0 is outside the cluster network.
 */
export function judgeDockerBridge(
  { links, addresses }: HostLinks,
  { env, managed }: DesiredBridge,
): BridgeVerdict {
  const bridge = links.find(({ name }) => name === BRIDGE);
  const own = addresses.filter(
    ({ linkIndex, address }) => linkIndex === bridge?.index && address.family === 4,
  );
  const inUse = managed || own.some(({ address }) => env.network?.contains(address));
  if (!bridge || own.length === 0 || !inUse || !env.subnet) return { state: 'ok' };
  const found = own.map(({ address, prefixLength }) => `${address.toString()}/${prefixLength}`);
  const desired = `${env.subnet.address.toString()}/${env.subnet.prefix.length}`;
  if (found.includes(desired)) return judgeMtu(bridge, links, env.mtu);
  return {
    state: 'failing',
    reason: `${BRIDGE} must have ${desired}, the lease of this host, not ${found.join(', ')}; ${FIX}`,
  };
}

/** Containers have the MTU of their ports. One that is too large loses packets, one that is too small wastes some. */
function judgeMtu(bridge: Link, links: readonly Link[], mtu = DEFAULT_MTU): BridgeVerdict {
  const ports = links.filter(({ masterIndex }) => masterIndex === bridge.index);
  const judged = bridge.mtu === DEFAULT_MTU ? ports : [bridge, ...ports];
  const wrong = judged.find((link) => link.mtu > mtu) ?? judged.find((link) => link.mtu !== mtu);
  if (!wrong) return { state: 'ok' };
  const name = wrong === bridge ? BRIDGE : `${wrong.name}, a port of ${BRIDGE},`;
  return {
    state: wrong.mtu > mtu ? 'failing' : 'degraded',
    reason: `${name} must have the MTU ${mtu}, not ${wrong.mtu}; ${FIX}`,
  };
}

/** Reports the condition `docker` now and after each change of docker0 or its ports, until it is disposed of. */
export function watchDockerBridge(
  components: { readonly netlink: NetlinkConnection; readonly conditions: Conditions },
  desired: DesiredBridge,
): Disposable {
  const stop = new AbortController();
  void follow(components, desired, stop.signal);
  return { [Symbol.dispose]: () => stop.abort() };
}

async function follow(
  { netlink, conditions }: { readonly netlink: NetlinkConnection; readonly conditions: Conditions },
  desired: DesiredBridge,
  signal: AbortSignal,
): Promise<void> {
  try {
    const changes = netlink.subscribe({ signal, of: ['link', 'address'] });
    let index = await report();
    for await (const change of changes) if (concerns(change, index)) index = await report();
  } catch (error) {
    if (signal.aborted) return;
    const what = messageOf(error);
    conditions.report(
      'docker',
      'degraded',
      `${BRIDGE} is not watched: ${what}; run: systemctl restart flanneld`,
    );
  }

  async function report(): Promise<number | undefined> {
    const [links, addresses] = await Promise.all([netlink.links(), netlink.addresses()]);
    const { state, reason } = judgeDockerBridge({ links, addresses }, desired);
    conditions.report('docker', state, reason);
    return links.find(({ name }) => name === BRIDGE)?.index;
  }
}

/** Whether a change may be one of docker0, whose index is given, or of its ports; a deleted port names no bridge. */
function concerns(change: KernelEvent, index: number | undefined): boolean {
  switch (change.kind) {
    case 'link':
      if (change.change === 'removed' || change.link.name === BRIDGE) return true;
      return index !== undefined && change.link.masterIndex === index;
    case 'address':
      return change.address.linkIndex === index;
    case 'overrun':
      return true;
    default:
      return false;
  }
}
