import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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
  /** Records what is about to be made. What cannot be written is a problem, and is tried again with the next change. */
  add(made: readonly Made[]): void;
  /**
   * Forgets the links and routes that are gone: one with the same name that another program makes is not ours. Writes
   * the whole file.
   * @param there - lines of those that are still there
   */
  forgetAllBut(there: ReadonlySet<string>): void;
  /** Forgets everything: nothing is left on the host. */
  delete(): void;
}

/**
 * Opens the record of the network of a subnet file: `<subnet file>.made`, a line for each thing, in words
 * like those of `ip`. Additions are appended, so that one costs what it adds; what is gone stays recorded until
 * {@link MadeRecord.forgetAllBut}.
 * @param onProblem - called when the file cannot be written, with the reason, and with '' when it can be again
 */
export function openMadeRecord(
  subnetFile: string,
  onProblem: (problem: string) => void = () => undefined,
): MadeRecord {
  const path = `${subnetFile}.made`;
  const lines = new Set(readLines(path, onProblem));
  /** Whether the file ends with a whole line and lacks none: a full disk may have cut the last one of an earlier run. */
  let isComplete = false;
  let isReported = false;

  /** Synchronous: it is in the file before the kernel is asked. */
  function write(added: readonly string[]): void {
    try {
      if (isComplete && existsSync(path)) appendFileSync(path, toText(added));
      else replace();
      isComplete = true;
      if (isReported) onProblem('');
      isReported = false;
    } catch (error) {
      isComplete = false;
      isReported = true;
      onProblem(
        `${path} cannot be written, so flanneld cleanup will not know all: ${(error as Error).message}`,
      );
    }
  }

  function replace(): void {
    const temporary = `${path}.tmp`;
    mkdirSync(dirname(path), { recursive: true });
    try {
      writeFileSync(temporary, toText([...lines]));
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
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
      if (added.length > 0) write(added);
    },
    forgetAllBut(there) {
      for (const line of lines) if (/^(?:link|route) /.test(line) && !there.has(line)) lines.delete(line);
      isComplete = false;
      write([]);
    },
    delete() {
      rmSync(path, { force: true });
      lines.clear();
      isComplete = false;
    },
  };
}

function toText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
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
