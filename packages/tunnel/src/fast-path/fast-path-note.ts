import { parseAddress } from '@flannel-ts/ip';
import type { Endpoint } from '../tunnel.ts';
import type { PacketMark } from './packet-mark.ts';

/** Where a fast path is, and by what its parts know each other's packets. */
export interface FastPathPlace {
  /** Where the tunnel's socket is bound. */
  readonly local: Endpoint;
  readonly underlayIndex: number;
  readonly tunIndex: number;
  /** UDP port of the decapsulating device. */
  readonly decapsulationPort: number;
  readonly mark: PacketMark;
}

/**
 * What a process notes down about its fast path for the next one, as the alias of its devices: the
 * kernel keeps it for as long as there is something to take over.
 */
export interface FastPathNote extends FastPathPlace {
  /** The ids of its programs. */
  readonly programs: readonly number[];
}

/** The number is for programs that would not understand what they take over. */
const HEADER = 'flannel fast path 1:';
const NOTE =
  /^local (\S+) port (\d+) dev (\d+) tun (\d+) decapsulation (\d+) vni (\d+) mark (\d+) programs ([\d ]+)$/;

export function formatNote({
  local,
  underlayIndex,
  tunIndex,
  decapsulationPort,
  mark,
  programs,
}: FastPathNote): string {
  const words = [
    `${HEADER} local ${local.address.toString()} port ${local.port}`,
    `dev ${underlayIndex} tun ${tunIndex} decapsulation ${decapsulationPort}`,
    `vni ${mark.vni} mark ${mark.index} programs ${programs.join(' ')}`,
  ];
  return words.join(' ');
}

/** Returns undefined for what is no note, or one of another version. */
export function parseNote(alias = ''): FastPathNote | undefined {
  if (!alias.startsWith(`${HEADER} `)) return undefined;
  const found = NOTE.exec(alias.slice(HEADER.length + 1));
  if (!found) return undefined;
  const [address, ...rest] = found.slice(1, -1) as [string, ...string[]];
  const [port, underlayIndex, tunIndex, decapsulationPort, vni, index] = rest.map(Number) as [
    ...[number, number, number],
    ...[number, number, number],
  ];
  return {
    local: { address: parseAddress(address), port },
    ...{ underlayIndex, tunIndex, decapsulationPort },
    mark: { vni, index },
    programs: found.at(-1)!.split(' ').map(Number),
  };
}

export function isSamePlace(
  a: FastPathPlace,
  b: Pick<FastPathPlace, 'local' | 'underlayIndex' | 'tunIndex'>,
): boolean {
  return (
    a.local.address.equals(b.local.address) &&
    a.local.port === b.local.port &&
    a.underlayIndex === b.underlayIndex &&
    a.tunIndex === b.tunIndex
  );
}
