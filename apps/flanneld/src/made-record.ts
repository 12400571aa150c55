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
  /** Records what is about to be made. What cannot be written is a problem, and is tried again with the next addition. */
  add(made: readonly Made[]): void;
  /** Forgets everything: nothing is left on the host. */
  delete(): void;
}

/**
 * Opens the record of the network of a subnet file: `<subnet file>.made`, a line for each thing, in words
 * like those of `ip`. Lines are only appended, so that a change costs what it changes; something that is
 * recorded and gone does no harm.
 * @param onProblem - called when the file cannot be written, with the reason, and with '' when it can be again
 */
export function openMadeRecord(
  subnetFile: string,
  onProblem: (problem: string) => void = () => undefined,
): MadeRecord {
  const path = `${subnetFile}.made`;
  const lines = new Set(readLines(path, onProblem));
  /** Lines that could not be written. */
  let missing: readonly string[] = [];

  function append(added: readonly string[]): void {
    try {
      mkdirSync(dirname(path), { recursive: true });
      // Synchronous: it is in the file before the kernel is asked.
      appendFileSync(path, added.map((line) => `${line}\n`).join(''));
      if (missing.length > 0) onProblem('');
      missing = [];
    } catch (error) {
      missing = added;
      onProblem(
        `${path} cannot be written, so flanneld cleanup will not know all: ${(error as Error).message}`,
      );
    }
  }

  return {
    get exists() {
      return lines.size > 0;
    },
    get overlays() {
      return [...lines].flatMap((line) => parseOverlay(line) ?? []);
    },
    has: (made) => lines.has(madeText(made)),
    add(made) {
      const added = [...new Set(made.map(madeText))].filter((line) => !lines.has(line));
      for (const line of added) lines.add(line);
      if (added.length > 0) append([...missing, ...added]);
    },
    delete() {
      rmSync(path, { force: true });
      lines.clear();
    },
  };
}

function readLines(path: string, onProblem: (problem: string) => void): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT')
      onProblem(`${path} cannot be read, so former devices and routes may stay: ${message}`);
    return [];
  }
}

/** A line of the record. */
export function madeText(made: Made): string {
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
