import { appendFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { AddressError, parsePrefix, type Address, type Prefix } from '@flannel-ts/ip';
import type { LeasedOverlay } from './leased-overlays.ts';

/** What the daemon makes on a host that `flanneld cleanup` could not tell from another program's. */
export type Made =
  /** Rules name the network, devices carry the first address of the subnet. */
  | ({ readonly kind: 'overlay' } & LeasedOverlay)
  | { readonly kind: 'link'; readonly name: string }
  /** A route through another host of the underlay. */
  | { readonly kind: 'route'; readonly destination: Prefix; readonly gateway: Address }
  /** Docker knows its name, and may not run when it is to be removed. */
  | { readonly kind: 'docker-network' };

/** What the daemons of one network have made on this host since it booted, also with other settings. */
export interface MadeRecord {
  /** Whether anything is recorded. */
  readonly exists: boolean;
  readonly overlays: readonly LeasedOverlay[];
  has(made: Made): boolean;
  /** Records what is about to be made. @throws {SystemError} when the file cannot be written */
  add(made: readonly Made[]): void;
  /** Forgets everything: nothing is left on the host. */
  delete(): void;
}

/**
 * Opens the record of the network of a subnet file: `<subnet file>.made`, a line for each thing, in words
 * like those of `ip`. Lines are only appended, so that a change costs what it changes; something that is
 * recorded and gone does no harm.
 * @throws {SystemError} when the file cannot be read
 */
export function openMadeRecord(subnetFile: string): MadeRecord {
  const path = `${subnetFile}.made`;
  const lines = new Set(readLines(path));
  return {
    get exists() {
      return lines.size > 0;
    },
    get overlays() {
      return [...lines].flatMap((line) => parseOverlay(line) ?? []);
    },
    has: (made) => lines.has(toLine(made)),
    add(made) {
      const added = [...new Set(made.map(toLine))].filter((line) => !lines.has(line));
      if (added.length === 0) return;
      mkdirSync(dirname(path), { recursive: true });
      // Synchronous: it is in the file before the kernel is asked.
      appendFileSync(path, added.map((line) => `${line}\n`).join(''));
      for (const line of added) lines.add(line);
    },
    delete() {
      rmSync(path, { force: true });
      lines.clear();
    },
  };
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function toLine(made: Made): string {
  switch (made.kind) {
    case 'overlay':
      return `overlay ${made.network.toString()} subnet ${made.subnet.toString()}`;
    case 'link':
      return `link ${made.name}`;
    case 'route':
      return `route ${made.destination.toString()} via ${made.gateway.toString()}`;
    case 'docker-network':
      return 'docker network';
  }
}

/** `undefined` for other lines, and for those that another program damaged. */
function parseOverlay(line: string): LeasedOverlay | undefined {
  const [, network, subnet] = /^overlay (\S+) subnet (\S+)$/.exec(line) ?? [];
  if (!network || !subnet) return undefined;
  try {
    return { network: parsePrefix(network), subnet: parsePrefix(subnet) };
  } catch (error) {
    if (error instanceof AddressError) return undefined;
    throw error;
  }
}
