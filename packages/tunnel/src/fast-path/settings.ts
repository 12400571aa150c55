import { encodeStruct } from '@flannel-ts/bpf';
import type { Endpoint } from '../tunnel.ts';
import { decapsulationHeaders } from './decapsulation-link.ts';
import type { PacketMark } from './packet-mark.ts';
import { skeleton } from './programs/skeleton.ts';

export interface Settings {
  /** Where the tunnel's socket is bound. */
  readonly local: Endpoint;
  /** UDP port of the decapsulating device. */
  readonly decapsulationPort: number;
  readonly tunIndex: number;
  readonly mark: PacketMark;
  /** Whether outer headers say in DSCP and ECN what inner ones say. */
  readonly inheritTos: boolean;
}

/** Encodes the constants of the programs (`struct settings`). */
export function encodeSettings(settings: Settings): Uint8Array {
  const { local, decapsulationPort, tunIndex, mark, inheritTos } = settings;
  return encodeStruct(skeleton.structs.settings, {
    localAddress: Number(local.address.value),
    localPort: local.port,
    decapsulationPort,
    tunIndex,
    mark: mark.index,
    inheritTos: inheritTos ? 1 : 0,
    inserted: decapsulationHeaders(mark.vni),
  });
}
