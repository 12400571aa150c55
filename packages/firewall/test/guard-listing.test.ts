import { describe, expect, it } from 'vitest';
import { parseGuard, parseTables } from '../src/guard/listing.ts';

/** What nft lists of a guard's table; `set` has more of the set that counts sources. */
function listing({
  packets = 0,
  set = {},
  rule = 'drop',
}: {
  packets?: number;
  set?: object;
  rule?: string;
}): string {
  const table = 'flannel-guard-10.5.0.0-16';
  const counting = {
    family: 'ip',
    name: 'no-lease',
    table,
    type: 'ipv4_addr',
    size: 256,
    timeout: 600,
    ...set,
  };
  return JSON.stringify({
    nftables: [
      { metainfo: { version: '1.0.6' } },
      { table: { family: 'ip', name: table, handle: 3 } },
      {
        set: {
          family: 'ip',
          name: 'peers',
          table,
          type: 'ipv4_addr',
          handle: 5 + packets,
          elem: ['192.0.2.2'],
        },
      },
      { set: counting },
      { chain: { family: 'ip', table, name: 'drop-no-lease', handle: 1 + packets } },
      {
        rule: {
          chain: 'drop-no-lease',
          expr: [{ counter: { packets, bytes: 60 * packets } }, { [rule]: null }],
        },
      },
    ],
  });
}

/** As nft 1.0.6 and 1.1.7 list it. */
const element = { elem: { val: '192.0.2.9', expires: 599, counter: { packets: 5, bytes: 300 } } };
const counted = [
  ['1.0.6', { flags: ['timeout'], elem: [element] }],
  ['1.1.7', { flags: ['timeout', 'dynamic'], count: 1, elem: [element] }],
] as const;

describe.each(counted)('the listing of nft %s', (_, set) => {
  it('has the peers and the packets of each source', () => {
    const { peers, counted } = parseGuard(listing({ packets: 5, set }));
    expect([...peers]).toEqual(['192.0.2.2']);
    expect([...counted['no-lease']]).toEqual([['192.0.2.9', 5]]);
    expect([...counted['other-interface']]).toEqual([]);
  });

  it('has the same structure before and after packets were counted, and another with another rule', () => {
    const before = parseGuard(listing({})).structure;
    expect(parseGuard(listing({ packets: 5, set })).structure).toBe(before);
    expect(parseGuard(listing({ packets: 5, set, rule: 'accept' })).structure).not.toBe(before);
    expect(parseGuard(listing({ packets: 5, set: { ...set, timeout: 1 } })).structure).not.toBe(before);
  });
});

it('tables are listed by family and name', () => {
  const name = 'flannel-guard-10.5.0.0-16';
  expect(parseTables(listing({}))).toMatchObject([{ family: 'ip', name }]);
});
