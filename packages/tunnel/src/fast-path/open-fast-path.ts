import { loadProgram, type Code, type Direction } from '@flannel-ts/bpf';
import type { Endpoint, RouteSink } from '../tunnel.ts';
import { createDecapsulationLink, removeDecapsulationLink } from './decapsulation-link.ts';
import { createSeal, deliverProgram } from './deliver.ts';
import { receiveProgram } from './receive.ts';
import { requireEthernet, requireInterface, requireNoIpsec, requireOwnIpv4 } from './conditions.ts';
import { steerReceivedPackets } from '../receive-packet-steering.ts';
import { createPrefixTable, type PrefixTable } from './prefix-table.ts';
import { networkOrder } from './snippets.ts';
import { transmitProgram } from './transmit.ts';
import { watchLinks } from './watch-links.ts';

/**
 * The programs use `bpf_fib_lookup`, which the kernel lends to programs under the GPL: docs/decisions/0018 offers
 * them under it, too.
 */
const LICENSE = 'Dual MIT/GPL';

/** Packets between the TUN device and the underlay that stay in the kernel. */
export interface FastPath extends RouteSink, Pick<PrefixTable, 'traffic' | 'total'>, Disposable {}

export interface FastPathOptions {
  /** Name of the TUN device. */
  readonly tun: string;
  /** Name of the Ethernet interface that peers' datagrams arrive on. */
  readonly underlay: string;
  /** Where the tunnel's socket is bound. */
  readonly local: Endpoint;
  /** Called when an interface that the fast path needs is gone or cannot be watched: close it and open another. */
  readonly onFailure: (error: Error) => void;
}

/**
 * Opens the fast path in this thread's network namespace: programs at the TUN device and the underlay (tcx, Linux 6.6), and a
 * VXLAN device that takes the outer headers off. They end with it, or with this process but for the device.
 * @throws {FastPathError} when it does not fit this host
 * @throws {SystemError} {@link NetlinkError} {@link ProgramError} when this kernel or process cannot
 */
export function openFastPath({ tun, underlay, local, onFailure }: FastPathOptions): FastPath {
  const underlayIndex = requireEthernet(underlay);
  requireOwnIpv4(local);
  requireNoIpsec();
  using building = new DisposableStack();
  const table = building.use(createPrefixTable());
  const { index: tunIndex } = requireInterface(tun);
  const seal = createSeal();
  using deliver = loadProgram(deliverProgram(tunIndex, seal), LICENSE);
  const link = building.use(createDecapsulationLink(linkName(tun), { vni: seal.vni, deliver }));
  steerReceivedPackets(linkName(tun));
  const onDown = (index: number) => {
    if (index !== link.index) return;
    try {
      link.setUp();
    } catch (error) {
      onFailure(error as Error);
    }
  };
  building.use(watchLinks([link.index, underlayIndex], { onLost: onFailure, onDown }));
  const bound = { address: networkOrder32(local.address.value), port: networkOrder(local.port) };
  const attach = (code: Code, index: number, direction: Direction) => {
    using program = loadProgram(code, LICENSE);
    building.use(program.attach(index, direction));
  };
  const receive = receiveProgram({ table, local: bound, decapsulationPort: networkOrder(link.port), seal });
  attach(receive, underlayIndex, 'ingress');
  attach(transmitProgram({ table, local: bound }), tunIndex, 'egress');
  const opened = building.move();
  return {
    setLocalSubnets: (subnets) => table.setLocalSubnets(subnets),
    setRoutes: (routes) => table.setRoutes(routes),
    updateRoutes: (change) => table.updateRoutes(change),
    traffic: (destination) => table.traffic(destination),
    total: () => table.total(),
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

/** A 32-bit number in network byte order, as a little-endian machine reads it from a packet. */
function networkOrder32(value: bigint): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, Number(value));
  return view.getUint32(0, true);
}
