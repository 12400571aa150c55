import { parseAddress } from '@flannel-ts/ip';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { coverHosts } from '../src/cover-hosts.ts';

const texts = (addresses: readonly string[]) => coverHosts(addresses.map(parseAddress)).map(String);

it('joins neighbours, and keeps strangers apart', () => {
  expect(texts(['192.0.2.3', '192.0.2.2', '192.0.2.1', '192.0.2.3', '192.0.2.8'])).toEqual([
    '192.0.2.1/32',
    '192.0.2.2/31',
    '192.0.2.8/32',
  ]);
  expect(texts(['fd77::', 'fd77::1', 'fd77::2'])).toEqual(['fd77::/127', 'fd77::2/128']);
  expect(texts([])).toEqual([]);
});

it('holds exactly the addresses that it was given', () => {
  const ends = fc.array(fc.integer({ min: 0, max: 63 }), { maxLength: 80 });
  fc.assert(
    fc.property(ends, (given) => {
      const all = Array.from({ length: 64 }, (_, end) => parseAddress(`192.0.2.${end}`));
      const cover = coverHosts(given.map((end) => all[end]!));
      expect(all.filter((address) => cover.some((prefix) => prefix.contains(address)))).toEqual(
        all.filter((_, end) => given.includes(end)),
      );
    }),
  );
});
