import { attachedPrograms, detachProgram, loadSkeleton, type Direction, type Program } from '@flannel-ts/bpf';
import { NetlinkError } from '@flannel-ts/netlink';
import { steerReceivedPackets } from '../receive-packet-steering.ts';
import type { Endpoint, PortRange, RouteSink, RouteSnapshot } from '../tunnel.ts';
import {
  requireCapabilities,
  requireEthernet,
  requireForwarding,
  requireInterface,
  requireNoIpsec,
  requireOwnIpv4,
} from './conditions.ts';
import { createDecapsulationLink, openDecapsulationLink } from './decapsulation-link.ts';
import { writeExpiry } from './expiry.ts';
import { isSamePlace, type FastPathNote, type FastPathPlace } from './fast-path-note.ts';
import { createPacketMark } from './packet-mark.ts';
import type { TrafficSnapshot } from './prefix-counters.ts';
import { createPrefixTable } from './prefix-table.ts';
import { skeleton } from './programs/skeleton.ts';
import { readReasons, type FastPathReasons } from './reasons.ts';
import { readAlias } from './link-alias.ts';
import { rememberNamespace } from './remembered-namespace.ts';
import { linkName, readNote, removeFastPath, removeNoted, writeNote } from './noted-fast-path.ts';
import { encodeSettings } from './settings.ts';
import { watchLinks } from './watch-links.ts';

/** The first UDP port to try for the decapsulating device, and how many there are. */
const FIRST_PORT = 48_285;
const PORTS = 16;

/** Packets between the TUN device and the underlay that stay in the kernel. */
export interface FastPath extends RouteSink, Disposable {
  /** Until when packets are carried, in milliseconds of the boot's clock; `undefined` is for ever. */
  setExpiry(at: number | undefined): void;
  /** Ends what this process has of it, and leaves the rest to the kernel and the next process. */
  leave(): void;
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
  /** What it carries packets by from the first one on. @default nothing */
  readonly initial?: RouteSnapshot | undefined;
  /**
   * Called when an interface that the fast path needs is gone or cannot be watched: close it and
   * open another.
   */
  readonly onFailure: (error: Error) => void;
}

/**
 * Opens the fast path in this thread's network namespace: programs at the TUN device and the
 * underlay (tcx, Linux 6.6), and a VXLAN device that takes the outer headers off. It carries on when
 * this process ends without closing it. One that an earlier process left is taken over without a gap
 * if it is at the same place, and removed otherwise.
 * @throws {FastPathError} when it does not fit this host
 * @throws {SystemError} {@link NetlinkError} {@link ProgramError} when this kernel or process
 *   cannot
 */
export function openFastPath(options: FastPathOptions): FastPath {
  const { tun, underlay, local } = options;
  const place = {
    ...{ local, tunIndex: requireInterface(tun).index, underlayIndex: requireEthernet(underlay) },
    mark: createPacketMark(),
  };
  requireOwnIpv4(local);
  requireNoIpsec();
  requireForwarding();
  requireCapabilities();
  const former = readNote(tun);
  if (former && isSamePlace(former, place) && readAlias(linkName(tun)) !== undefined) {
    try {
      return openAt(former, former, options);
    } catch (error) {
      if (!isPortTaken(error)) throw error;
    }
  }
  removeFastPath(tun);
  for (let port = FIRST_PORT; ; port++) {
    try {
      return openAt({ ...place, decapsulationPort: port }, undefined, options);
    } catch (error) {
      if (!isPortTaken(error) || port + 1 === FIRST_PORT + PORTS) throw error;
    }
  }
}

function isPortTaken(error: unknown): boolean {
  return error instanceof NetlinkError && error.code === 'EADDRINUSE';
}

/**
 * The programs have the port of the decapsulating device as a constant, so that they are loaded for
 * each that is tried. They know their routes before they get packets.
 * @param former - what is at that place
 */
function openAt(
  place: FastPathPlace,
  former: FastPathNote | undefined,
  { tun, tos, sourcePorts, initial, onFailure }: FastPathOptions,
): FastPath {
  const { underlayIndex, tunIndex, decapsulationPort: port, mark } = place;
  using building = new DisposableStack();
  const namespace = building.use(rememberNamespace());
  const settings = encodeSettings({ ...place, sourcePorts, inheritTos: tos === 'inherit' });
  const { maps, programs } = building.use(loadSkeleton(skeleton, settings));
  const table = createPrefixTable(maps);
  const setExpiry = (at: number | undefined) => writeExpiry(maps.flannel_expiry, at);
  setExpiry(initial?.expiresAt);
  table.setLocalSubnets(initial?.localSubnets ?? []);
  table.setRoutes(initial?.routes ?? []);

  const ids = Object.values(programs).map(({ id }) => id);
  const formerIds = former?.programs ?? [];
  // Whatever goes wrong, none of them may stay unnoticed.
  const note = { ...place, programs: [...formerIds, ...ids] };
  using removal = new DisposableStack();
  removal.defer(() => namespace.run(() => removeNoted(tun, note)));
  const name = linkName(tun);
  const open = former ? openDecapsulationLink(name) : createDecapsulationLink(name, { port, vni: mark.vni });
  const link = building.use(open);
  writeNote(tun, note);
  // The device is open to everyone, so that it is never up without its program.
  putProgram(programs.flannel_deliver, link.index, 'ingress', formerIds);
  link.setUp();
  steerReceivedPackets(name);
  const onDown = (index: number) => {
    if (index !== link.index) return;
    try {
      link.setUp();
    } catch (error) {
      onFailure(error as Error);
    }
  };
  building.use(watchLinks([link.index, underlayIndex], { onLost: onFailure, onDown }));
  putProgram(programs.flannel_rx, underlayIndex, 'ingress', formerIds);
  putProgram(programs.flannel_tx, tunIndex, 'egress', formerIds);
  writeNote(tun, { ...place, programs: ids });
  const [parts, rest] = [building.move(), removal.move()];
  return {
    setLocalSubnets: (subnets) => table.setLocalSubnets(subnets),
    setRoutes: (routes) => table.setRoutes(routes),
    updateRoutes: (change) => table.updateRoutes(change),
    setExpiry,
    traffic: () => table.traffic(),
    reasons: () => readReasons(maps.flannel_reasons),
    leave: () => parts.dispose(),
    [Symbol.dispose]() {
      if (parts.disposed) return;
      using _parts = parts;
      rest.dispose();
    },
  };
}

/** Attaches a program in place of former ones: packets go by one or the other meanwhile. */
function putProgram(program: Program, index: number, direction: Direction, former: readonly number[]): void {
  const there = attachedPrograms(index, direction).filter((id) => former.includes(id));
  program.attachForGood(index, direction, { before: there[0] });
  for (const id of there) detachProgram(index, direction, id);
}
