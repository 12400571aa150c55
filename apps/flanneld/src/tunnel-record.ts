import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { TunnelState } from '@flannel-ts/backend';
import { parseAddress, parseInterfaceAddress, parsePrefix } from '@flannel-ts/ip';

/** What the tunnel of a daemon carries packets by, for the next daemon. */
export interface TunnelRecord {
  readonly tunnel: TunnelState;
  /** When the lease expires, on the clock of this boot in milliseconds; `undefined` for a reservation. */
  readonly expiresAt: number | undefined;
}

/** Packets to a destination go to its peer. */
type TunnelRoute = TunnelState['routes'][number];

/** The first line: what comes after it may change with the version. */
const HEADER = 'flanneld tunnel 1';

/**
 * Replaces the record of a subnet file, `<subnet file>.tunnel`, in one step: a thing for each line, in words like
 * those of `ip`. It is not synced to the disk, as it means nothing after a boot.
 */
export function writeTunnelRecord(subnetFile: string, record: TunnelRecord): void {
  const path = pathOf(subnetFile);
  const temporary = `${path}.${process.pid}.tmp`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(temporary, formatTunnelRecord(record, readBootId()), { mode: 0o600 });
  renameSync(temporary, path);
}

export function deleteTunnelRecord(subnetFile: string): void {
  rmSync(pathOf(subnetFile), { force: true });
}

/**
 * Reads the record of a subnet file; there may be none.
 * @throws when it cannot be read, is malformed, or was written before this host booted
 */
export function readTunnelRecord(subnetFile: string): TunnelRecord | undefined {
  const text = readIfThere(pathOf(subnetFile));
  return text === undefined ? undefined : parseTunnelRecord(text, readBootId());
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function pathOf(subnetFile: string): string {
  return `${subnetFile}.tunnel`;
}

/** Changes with every boot, at which the clock of the lease starts anew. */
function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** @param boot - identifies this boot of the host */
export function formatTunnelRecord({ tunnel, expiresAt }: TunnelRecord, boot: string): string {
  const { device, mtu, socket, underlay, localSubnets, routes } = tunnel;
  const lines = [
    HEADER,
    `boot ${boot}`,
    `lease expires ${expiresAt === undefined ? 'never' : Math.floor(expiresAt)}`,
    `tunnel ${device} mtu ${mtu} local ${socket.address.toString()} port ${socket.port} dev ${underlay}`,
    ...localSubnets.map(({ address, prefix }) => `subnet ${address.toString()}/${prefix.length}`),
    ...routes.map(routeText),
  ];
  return `${lines.join('\n')}\n`;
}

function routeText({ destination, peer }: TunnelRoute): string {
  const { fastPath, ecn, sourcePorts } = peer;
  const takes = [
    ...(fastPath ? [' fast-path'] : []),
    ...(ecn ? [' ecn'] : []),
    ...(sourcePorts ? [` from ${sourcePorts.first}-${sourcePorts.last}`] : []),
  ];
  return `route ${destination.toString()} via ${peer.address.toString()} port ${peer.port}${takes.join('')}`;
}

/**
 * @param boot - identifies this boot of the host
 * @throws when it is malformed, of another version, or of another boot
 */
export function parseTunnelRecord(text: string, boot: string): TunnelRecord {
  if (!text.endsWith('\n')) throw new Error('its end is missing');
  const [header, ...lines] = text.slice(0, -1).split('\n');
  if (header !== HEADER) throw new Error(`its first line must be "${HEADER}", not ${JSON.stringify(header)}`);
  const next = (pattern: RegExp) => match(pattern, lines.shift());
  const [writtenAt] = next(/^boot (\S+)$/);
  if (writtenAt !== boot) throw new Error('the host was booted since');
  const [expiresAt] = next(/^lease expires (never|\d{1,15})$/);
  const [device, mtu, address, port, underlay] = next(
    /^tunnel (\S{1,15}) mtu (\d{1,5}) local (\S+) port (\d{1,5}) dev (\S{1,15})$/,
  );
  const subnets = lines.filter((line) => line.startsWith('subnet '));
  return {
    tunnel: {
      ...{ device: device!, mtu: Number(mtu), underlay: underlay! },
      socket: { address: parseAddress(address!), port: Number(port) },
      localSubnets: subnets.map((line) => parseInterfaceAddress(match(/^subnet (\S+)$/, line)[0]!)),
      routes: lines.slice(subnets.length).map(parseRoute),
    },
    expiresAt: expiresAt === 'never' ? undefined : Number(expiresAt),
  };
}

function parseRoute(line: string): TunnelRoute {
  const [destination, address, port, fastPath, ecn, first, last] = match(
    /^route (\S+) via (\S+) port (\d{1,5})( fast-path)?( ecn)?(?: from (\d{1,5})-(\d{1,5}))?$/,
    line,
  );
  const takes = {
    ...{ fastPath: fastPath !== undefined, ecn: ecn !== undefined },
    ...(first && { sourcePorts: { first: Number(first), last: Number(last) } }),
  };
  const peer = { address: parseAddress(address!), port: Number(port), ...takes };
  return { destination: parsePrefix(destination!), peer };
}

/** Returns what the pattern's groups match. */
function match(pattern: RegExp, line = ''): readonly (string | undefined)[] {
  const found = pattern.exec(line);
  if (!found) throw new Error(`it has the line ${JSON.stringify(line)}`);
  return found.slice(1);
}
