import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Address, parseAddress, parseInterfaceAddress, prefixOf } from '@flannel-ts/ip';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  deleteTunnelRecord,
  formatTunnelRecord,
  parseTunnelRecord,
  readTunnelRecord,
  writeTunnelRecord,
  type TunnelRecord,
} from '../src/tunnel-record.ts';

const BOOT = '7f7c1b9e-8d5e-4d0a-9f8e-0c5c3f1f7a10';

const address = fc.bigInt({ min: 1n, max: 0xdfffffffn }).map((value) => new Address(4, value));
const prefix = fc
  .tuple(address, fc.integer({ min: 8, max: 32 }))
  .map(([inside, bits]) => prefixOf(inside, bits));
const port = fc.integer({ min: 1, max: 65_535 });
const linkName = fc.stringMatching(/^[a-z][\w.:@-]{0,14}$/);
const anyRecord: fc.Arbitrary<TunnelRecord> = fc.record({
  tunnel: fc.record({
    device: linkName,
    mtu: fc.integer({ min: 68, max: 65_535 }),
    socket: fc.record({ address, port }),
    underlay: linkName,
    localSubnets: fc.array(
      prefix.map((own) => ({ address: own.network, prefix: own })),
      { maxLength: 2 },
    ),
    routes: fc.array(
      fc.record({
        destination: prefix,
        peer: fc.record(
          {
            ...{ address, port, fastPath: fc.boolean(), ecn: fc.boolean() },
            sourcePorts: fc.record({ first: port, last: port }),
          },
          { requiredKeys: ['address', 'port', 'fastPath', 'ecn'] },
        ),
      }),
    ),
  }),
  expiresAt: fc.option(fc.nat(), { nil: undefined }),
});

const record: TunnelRecord = {
  tunnel: {
    ...{ device: 'flannel0', mtu: 1472, underlay: 'eth0' },
    socket: { address: parseAddress('192.0.2.1'), port: 8285 },
    localSubnets: [parseInterfaceAddress('10.5.1.0/24')],
    routes: [2, 3, 4].map((number) => ({
      destination: parseInterfaceAddress(`10.5.${number}.0/24`).prefix,
      peer: {
        ...{ address: parseAddress(`192.0.2.${number}`), port: 8285, fastPath: number > 2, ecn: number > 3 },
        ...(number > 3 && { sourcePorts: { first: 768, last: 1_023 } }),
      },
    })),
  },
  expiresAt: 86_400_000,
};

describe('the text of a record', () => {
  it('is a thing for each line, in words like those of ip', () => {
    expect(formatTunnelRecord(record, BOOT)).toBe(`flanneld tunnel 1
boot ${BOOT}
lease expires 86400000
tunnel flannel0 mtu 1472 local 192.0.2.1 port 8285 dev eth0
subnet 10.5.1.0/24
route 10.5.2.0/24 via 192.0.2.2 port 8285
route 10.5.3.0/24 via 192.0.2.3 port 8285 fast-path
route 10.5.4.0/24 via 192.0.2.4 port 8285 fast-path ecn from 768-1023
`);
  });

  it('means what was recorded, whatever that was', () => {
    fc.assert(
      fc.property(anyRecord, (any) => {
        expect(parseTunnelRecord(formatTunnelRecord(any, BOOT), BOOT)).toEqual(any);
      }),
    );
  });

  it('is refused after another boot, and in another version', () => {
    const text = formatTunnelRecord(record, BOOT);
    expect(() => parseTunnelRecord(text, BOOT.replace('7', '8'))).toThrow('the host was booted since');
    expect(() => parseTunnelRecord(text.replace('tunnel 1', 'tunnel 2'), BOOT)).toThrow(
      'its first line must be "flanneld tunnel 1", not "flanneld tunnel 2"',
    );
  });

  it.each([
    ['', 'its end is missing'],
    [formatTunnelRecord(record, BOOT).slice(0, -1), 'its end is missing'],
    [`flanneld tunnel 1\nboot ${BOOT}\n`, 'it has the line ""'],
    [edited('86400000', '-1'), 'it has the line "lease expires -1"'],
    [edited('86400000', '1e3'), 'it has the line "lease expires 1e3"'],
    [edited('mtu 1472', 'mtu many'), 'it has the line "tunnel flannel0 mtu many'],
    [edited('local 192.0.2.1', 'local 192.0.2.256'), '192.0.2.256'],
    [edited('subnet 10.5.1.0/24', 'subnet 10.5.1.0/33'), '10.5.1.0/33'],
    [edited('route 10.5.2.0/24', 'route 10.5.2.1/24'), 'has host bits'],
    [edited('via 192.0.2.2', 'via'), 'it has the line "route 10.5.2.0/24 via port 8285"'],
    [edited(' fast-path', ' fast'), 'it has the line "route 10.5.3.0/24 via 192.0.2.3 port 8285 fast"'],
    [edited('768-1023', '768'), 'it has the line "route 10.5.4.0/24 via'],
    [`${formatTunnelRecord(record, BOOT)}\n`, 'it has the line ""'],
  ])('is refused when it is %j', (text, reason) => {
    expect(() => parseTunnelRecord(text, BOOT)).toThrow(reason);
  });

  it('is refused or understood, and nothing else happens, whatever another program does to it', () => {
    const text = formatTunnelRecord(record, BOOT);
    const damaged = fc
      .tuple(fc.nat(text.length), fc.nat(20), fc.string({ unit: 'binary' }))
      .map(([from, length, junk]) => text.slice(0, from) + junk + text.slice(from + length));
    fc.assert(
      fc.property(damaged, (any) => {
        try {
          expect(parseTunnelRecord(any, BOOT)).toBeTypeOf('object');
        } catch (error) {
          expect((error as Error).constructor.name).toMatch(/^(Address)?Error$/);
        }
      }),
    );
  });
});

function edited(part: string, replacement: string): string {
  return formatTunnelRecord(record, BOOT).replace(part, replacement);
}

describe('the file of a record', () => {
  let directory: string;
  let subnetFile: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tunnel-record-'));
    subnetFile = join(directory, 'flannel', 'subnet.env');
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('is replaced, read in the same boot and deleted', async () => {
    expect(readTunnelRecord(subnetFile)).toBeUndefined();
    writeTunnelRecord(subnetFile, { ...record, expiresAt: undefined });
    writeTunnelRecord(subnetFile, record);
    expect(readTunnelRecord(subnetFile)).toEqual(record);
    expect(await readdir(join(directory, 'flannel'))).toEqual(['subnet.env.tunnel']);
    deleteTunnelRecord(subnetFile);
    deleteTunnelRecord(subnetFile);
    expect(readTunnelRecord(subnetFile)).toBeUndefined();
  });

  it('is refused when it was written before this boot', async () => {
    writeTunnelRecord(subnetFile, record);
    await writeFile(`${subnetFile}.tunnel`, formatTunnelRecord(record, BOOT));
    expect(() => readTunnelRecord(subnetFile)).toThrow('the host was booted since');
  });
});
