import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkConfigError, parseNetworkConfig } from '../src/index.ts';

const IPV6 = { EnableIPv4: false, EnableIPv6: true, IPv6Network: 'fc00::/48' };
const parse = (config: object) => parseNetworkConfig(JSON.stringify(config));

describe('defaults', () => {
  it('are upstream’s: udp, /24, from the second subnet to the last', () => {
    const { ipv4, ipv6, backend, enableNFTables } = parse({ Network: '10.5.0.0/16' });
    expect({
      ...ipv4,
      network: String(ipv4!.network),
      subnetMin: String(ipv4!.subnetMin),
      subnetMax: String(ipv4!.subnetMax),
    }).toEqual({
      family: 4,
      network: '10.5.0.0/16',
      subnetLength: 24,
      subnetMin: '10.5.1.0',
      subnetMax: '10.5.255.0',
    });
    expect({ ipv6, backend, enableNFTables }).toEqual({
      ipv6: undefined,
      backend: { type: 'udp', options: {} },
      enableNFTables: false,
    });
  });

  it.each([
    ['10.0.0.0/22', 24],
    ['10.0.0.0/23', 25],
    ['10.0.0.0/28', 30],
  ])('choose subnets for %s of /%i', (Network, length) => {
    expect(parse({ Network }).ipv4!.subnetLength).toBe(length);
  });

  it('serve IPv6 too', () => {
    const { ipv6 } = parse({ Network: '10.5.0.0/16', EnableIPv6: true, IPv6Network: 'fc00::/48' });
    expect([ipv6!.subnetLength, String(ipv6!.subnetMin), String(ipv6!.subnetMax)]).toEqual([
      64,
      'fc00:0:0:1::',
      'fc00:0:0:ffff::',
    ]);
  });
});

it('reads every key in any case, and the last one of two, as Go does', () => {
  const config = parseNetworkConfig(
    '{"network":"10.0.0.0/8","SUBNETLEN":20,"SubnetMin":"10.10.0.0","subnetmax":"10.99.0.0","Network":"10.5.1.1/8","enableNFTables":true,"Unknown":1,"backend":{"type":"VXLAN","VNI":100}}',
  );
  expect(String(config.ipv4!.network)).toBe('10.0.0.0/8');
  expect(String(config.ipv4!.subnetMax)).toBe('10.99.0.0');
  expect(config.enableNFTables).toBe(true);
  expect(config.backend).toEqual({ type: 'vxlan', options: { VNI: 100 } });
});

it('takes a bound of zeros for none, as Go does', () => {
  const { ipv4 } = parse({ Network: '10.5.0.0/16', SubnetMin: '0.0.0.0', SubnetMax: '' });
  expect([String(ipv4!.subnetMin), String(ipv4!.subnetMax)]).toEqual(['10.5.1.0', '10.5.255.0']);
});

it.each([
  ['fc00::/62', 64],
  ['fc00::/63', 65],
  ['fc00::/124', 126],
])('chooses subnets for %s of /%i', (IPv6Network, length) => {
  expect(parse({ ...IPV6, IPv6Network }).ipv6!.subnetLength).toBe(length);
});

it('reads an empty Backend as an empty type', () => {
  expect(parse({ Network: '10.5.0.0/16', Backend: {} }).backend.type).toBe('');
});

it.each<[object, string, string]>([
  [{}, 'Network', 'please define a correct Network parameter in the flannel config'],
  [{ Network: '10.5.0.0' }, 'Network', 'please define a correct Network parameter in the flannel config'],
  [{ Network: 'fc00::/48' }, 'Network', 'please define a correct Network parameter in the flannel config'],
  [{ Network: '0.0.0.0/0' }, 'Network', 'please define a correct Network parameter in the flannel config'],
  [{ EnableIPv4: false }, 'EnableIPv4', 'EnableIPv4 is false and EnableIPv6 is not true; enable one of them'],
  [{ Network: '10.5.0.0/16', SubnetLen: 31 }, 'SubnetLen', 'SubnetLen must be less than /31'],
  [{ Network: '10.5.0.0/16', SubnetLen: 64 }, 'SubnetLen', 'SubnetLen must be less than /31'],
  [{ Network: '10.5.0.0/16', SubnetLen: 24.5 }, 'SubnetLen', 'SubnetLen must be a whole number from 0 to 30'],
  [{ Network: '10.5.0.0/16', SubnetLen: -1 }, 'SubnetLen', 'SubnetLen must be a whole number from 0 to 30'],
  [
    { Network: '10.5.0.0/16', SubnetMin: '10.5.9.0', SubnetMax: '10.5.8.0' },
    'SubnetMin',
    'SubnetMin 10.5.9.0 is above SubnetMax 10.5.8.0; no subnet is left',
  ],
  [{ ...IPV6, IPv6SubnetLen: 127 }, 'IPv6SubnetLen', 'SubnetLen must be less than /127'],
  [
    { ...IPV6, IPv6SubnetLen: 49 },
    'IPv6SubnetLen',
    'network must be able to accommodate at least four subnets',
  ],
  [
    { ...IPV6, IPv6SubnetMin: 'fc01::' },
    'IPv6SubnetMin',
    'IPv6SubnetMin is not in the range of the IPv6Network',
  ],
  [
    { ...IPV6, IPv6SubnetMax: 'fc00::1' },
    'IPv6SubnetMax',
    'IPv6SubnetMax is not on a SubnetLen boundary: fc00::1',
  ],
  [
    { Network: '10.5.0.0/16', SubnetLen: 17 },
    'SubnetLen',
    'network must be able to accommodate at least four subnets',
  ],
  [{ Network: '10.5.0.0/29' }, 'Network', 'network is too small. Minimum useful network prefix is /28'],
  [
    { Network: '10.5.0.0/16', SubnetMin: '10.6.0.0' },
    'SubnetMin',
    'SubnetMin is not in the range of the Network',
  ],
  [
    { Network: '10.5.0.0/16', SubnetMax: '10.6.0.0' },
    'SubnetMax',
    'SubnetMax is not in the range of the Network',
  ],
  [
    { Network: '10.5.0.0/16', SubnetMin: '10.5.1.1' },
    'SubnetMin',
    'SubnetMin is not on a SubnetLen boundary: 10.5.1.1',
  ],
  [
    { Network: '10.5.0.0/16', SubnetMax: '10.5.1.1' },
    'SubnetMax',
    'SubnetMax is not on a SubnetLen boundary: 10.5.1.1',
  ],
  [
    { EnableIPv4: false, EnableIPv6: true },
    'IPv6Network',
    'please define a correct IPv6Network parameter in the flannel config',
  ],
  [
    { EnableIPv4: false, EnableIPv6: true, IPv6Network: 'fc00::/125' },
    'IPv6Network',
    'IPv6Network is too small. Minimum useful network prefix is /124',
  ],
  [{ Network: 5 }, 'Network', 'Network must be a string, not 5'],
  [
    { Network: '10.5.0.0/16', SubnetLen: '24' },
    'SubnetLen',
    'SubnetLen must be a whole number from 0 to 30, not "24"',
  ],
  [
    { Network: '10.5.0.0/16', EnableIPv6: 'yes' },
    'EnableIPv6',
    'EnableIPv6 must be true or false, not "yes"',
  ],
  [{ Network: '10.5.0.0/16', SubnetMin: 'x' }, 'SubnetMin', 'SubnetMin must be an IP address, not "x"'],
  [
    { Network: '10.5.0.0/16', SubnetLen: { toString: false } },
    'SubnetLen',
    'SubnetLen must be a whole number from 0 to 30, not {"toString":false}',
  ],
  [{ Network: '10.5.0.0/16', Backend: 'vxlan' }, 'Backend', 'Backend must be a JSON object, not "vxlan"'],
])('%j is refused', (config, field, message) => {
  const error = capture(() => parse(config));
  expect(error).toBeInstanceOf(NetworkConfigError);
  expect((error as NetworkConfigError).field).toBe(field);
  expect((error as Error).message).toContain(message);
});

it('never fails in another way, whatever the text', () => {
  const field = fc.constantFrom(
    'Network',
    'SubnetLen',
    'SubnetMin',
    'SubnetMax',
    'EnableIPv6',
    'IPv6Network',
    'Backend',
  );
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('10.5.0.0/16', 'fc00::/48', '10.5.1.0', 24, 64, true),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.dictionary(field, value).map((object) => JSON.stringify(object)),
      ),
      (text) => {
        const error = capture(() => parseNetworkConfig(text));
        expect(error === undefined || error instanceof NetworkConfigError).toBe(true);
      },
    ),
    { numRuns: 2000 },
  );
});

function capture(body: () => unknown): unknown {
  try {
    body();
    return undefined;
  } catch (error) {
    return error;
  }
}
