import { parseAddress, parseInterfaceAddress, parsePrefix } from '@flannel-ts/ip';
import type { Entry } from '../../src/entry.ts';

/** The lines of a text, without indentation. */
export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Entries from the words that `entryText` writes, one to a line. */
export function entries(text: string): Entry[] {
  return linesOf(text).map(parseEntry);
}

function parseEntry(line: string): Entry {
  const [kind, key, ...rest] = line.split(' ') as [Entry['kind'], string, ...string[]];
  const after = (word: string) => (rest.includes(word) ? rest[rest.indexOf(word) + 1]! : undefined);
  const address = (word: string) => (rest.includes(word) ? parseAddress(after(word)!) : undefined);
  const link = after('dev')!;
  switch (kind) {
    case 'address':
      return { kind, address: { link, address: parseInterfaceAddress(key) } };
    case 'neighbour':
      return { kind, neighbour: { link, address: parseAddress(key), mac: after('lladdr')! } };
    case 'fdb':
      return { kind, fdb: { link, mac: key, destination: address('dst')! } };
    case 'blackhole':
      return { kind, destination: parsePrefix(key) };
    case 'route':
      return {
        kind,
        route: {
          destination: parsePrefix(key),
          gateway: address('via'),
          link,
          onlink: rest.includes('onlink'),
          source: address('src'),
          foreign: rest.includes('proto') ? `proto ${after('proto')!}` : undefined,
        },
      };
  }
}
