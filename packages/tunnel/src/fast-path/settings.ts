import { encodeStruct } from '@flannel-ts/bpf';
import type { Endpoint, PortRange } from '../tunnel.ts';
import { decapsulationHeaders } from './decapsulation-link.ts';
import { encodePortRange } from './encode-port-range.ts';
import type { PacketMark } from './packet-mark.ts';
import { skeleton } from './programs/skeleton.ts';

export interface Settings {
  /** Where the tunnel's socket is bound. */
  readonly local: Endpoint;
  /** UDP port of the decapsulating device. */
  readonly decapsulationPort: number;
  readonly tunIndex: number;
  readonly mark: PacketMark;
  /** From which ports packets go to peers with a range of their own. */
  readonly sourcePorts: PortRange | undefined;
  /** Whether outer headers say in DSCP and ECN what inner ones say. */
  readonly inheritTos: boolean;
}

/** Encodes the constants of the programs (`struct settings`). */
export function encodeSettings(settings: Settings): Uint8Array {
  const { local, decapsulationPort, tunIndex, mark, sourcePorts, inheritTos } = settings;
  return encodeStruct(skeleton.structs.settings, {
    localAddress: Number(local.address.value),
    localPort: local.port,
    decapsulationPort,
    tunIndex,
    mark: mark.index,
    sourcePorts: encodePortRange(sourcePorts),
    inheritTos: inheritTos ? 1 : 0,
    inserted: decapsulationHeaders(mark.vni),
  });
}
