import { loadSkeleton } from '@flannel-ts/bpf';
import { NetlinkError } from '@flannel-ts/netlink';
import { steerReceivedPackets } from '../receive-packet-steering.ts';
import type { Endpoint, PortRange, RouteSink } from '../tunnel.ts';
import {
  requireCapabilities,
  requireEthernet,
  requireForwarding,
  requireInterface,
  requireNoIpsec,
  requireOwnIpv4,
} from './conditions.ts';
import { createDecapsulationLink, removeDecapsulationLink } from './decapsulation-link.ts';
import { createPacketMark } from './packet-mark.ts';
import type { TrafficSnapshot } from './prefix-counters.ts';
import { createPrefixTable } from './prefix-table.ts';
import { skeleton } from './programs/skeleton.ts';
import { readReasons, type FastPathReasons } from './reasons.ts';
import { encodeSettings } from './settings.ts';
import { watchLinks } from './watch-links.ts';

/** The first UDP port to try for the decapsulating device, and how many there are. */
const FIRST_PORT = 48_285;
const PORTS = 16;

/** Packets between the TUN device and the underlay that stay in the kernel. */
export interface FastPath extends RouteSink, Disposable {
  /** Reads what routes carried. */
  traffic(): TrafficSnapshot;
  /** Reads how many packets were left to user space, or dropped, and why. */
  reasons(): FastPathReasons;
}

export interface FastPathOptions {
  /** Name of the TUN device. */
  readonly tun: string;
  /** Name of the Ethernet interface that peers' datagrams arrive on. */
  readonly underlay: string;
  /** Where the tunnel's socket is bound. */
  readonly local: Endpoint;
  /** What outer headers say in DSCP and ECN. */
  readonly tos: 'zero' | 'inherit';
  /** From which ports packets go to peers with a range of their own. */
  readonly sourcePorts: PortRange | undefined;
  /**
   * Called when an interface that the fast path needs is gone or cannot be watched: close it and
   * open another.
   */
  readonly onFailure: (error: Error) => void;
}

/**
 * Opens the fast path in this thread's network namespace: programs at the TUN device and the
 * underlay (tcx, Linux 6.6), and a VXLAN device that takes the outer headers off. They end with it,
 * or with this process but for the device.
 * @throws {FastPathError} when it does not fit this host
 * @throws {SystemError} {@link NetlinkError} {@link ProgramError} when this kernel or process
 *   cannot
 */
export function openFastPath(options: FastPathOptions): FastPath {
  const { tun, underlay, local } = options;
  const indexes = { tun: requireInterface(tun).index, underlay: requireEthernet(underlay) };
  requireOwnIpv4(local);
  requireNoIpsec();
  requireForwarding();
  requireCapabilities();
  for (let port = FIRST_PORT; ; port++) {
    try {
      return openOnPort(port, indexes, options);
    } catch (error) {
      const taken = error instanceof NetlinkError && error.code === 'EADDRINUSE';
      if (!taken || port + 1 === FIRST_PORT + PORTS) throw error;
    }
  }
}

/**
 * The programs have the port of the decapsulating device as a constant, so that they are loaded for
 * each that is tried.
 */
function openOnPort(
  port: number,
  indexes: { readonly tun: number; readonly underlay: number },
  { tun, local, tos, sourcePorts, onFailure }: FastPathOptions,
): FastPath {
  using building = new DisposableStack();
  const mark = createPacketMark();
  const settings = encodeSettings({
    ...{ local, mark, sourcePorts, inheritTos: tos === 'inherit' },
    ...{ decapsulationPort: port, tunIndex: indexes.tun },
  });
  const { maps, programs } = building.use(loadSkeleton(skeleton, settings));
  const deliver = programs.flannel_deliver;
  const name = linkName(tun);
  const link = building.use(createDecapsulationLink(name, { port, vni: mark.vni, deliver }));
  steerReceivedPackets(name);
  const onDown = (index: number) => {
    if (index !== link.index) return;
    try {
      link.setUp();
    } catch (error) {
      onFailure(error as Error);
    }
  };
  building.use(watchLinks([link.index, indexes.underlay], { onLost: onFailure, onDown }));
  building.use(programs.flannel_rx.attach(indexes.underlay, 'ingress'));
  building.use(programs.flannel_tx.attach(indexes.tun, 'egress'));
  const table = createPrefixTable(maps);
  const opened = building.move();
  return {
    setLocalSubnets: (subnets) => table.setLocalSubnets(subnets),
    setRoutes: (routes) => table.setRoutes(routes),
    updateRoutes: (change) => table.updateRoutes(change),
    traffic: () => table.traffic(),
    reasons: () => readReasons(maps.flannel_reasons),
    [Symbol.dispose]: () => opened.dispose(),
  };
}

/**
 * Removes what the fast path of an earlier process left behind in this thread's network namespace.
 * @param tun - name of the TUN device
 * @throws {NetlinkError} {@link SystemError}
 */
export function removeFormerFastPath(tun: string): void {
  removeDecapsulationLink(linkName(tun));
}

function linkName(tun: string): string {
  return `${tun}-rx`;
}
