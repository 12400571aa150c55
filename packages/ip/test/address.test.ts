import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Address, addressFromBytes, AddressError, parseAddress, tryParseAddress } from '../src/index.ts';
import { ipv4, ipv6, address } from './arbitraries.ts';

describe('text', () => {
  it.each([
    // RFC 5952, 4 and 5; what Go's netip.ParseAddr(text).String() prints.
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['10.5.69.1', '10.5.69.1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['FC00:0000:0000:0062:0:0:0:1', 'fc00:0:0:62::1'],
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['::FFFF:192.0.2.1', '::ffff:192.0.2.1'],
    ['::192.0.2.1', '::c000:201'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
    ['0000:0000:0000:0000:0000:ffff:255.255.255.255', '::ffff:255.255.255.255'],
  ])('%s is %s', (text, canonical) => {
    expect(parseAddress(text).toString()).toBe(canonical);
    expect(JSON.stringify(parseAddress(text))).toBe(JSON.stringify(canonical));
  });

  it('comes back from every value', () => {
    fc.assert(
      fc.property(address, (value) => {
        expect(parseAddress(value.toString())).toEqual(value);
      }),
      { numRuns: 1000 },
    );
  });

  it('of IPv6 is what the URL standard writes, but for mapped addresses', () => {
    fc.assert(
      fc.property(ipv6, (value) => {
        const groups = value.value.toString(16).padStart(32, '0').match(/..../g)!.join(':');
        fc.pre(!groups.startsWith('0000:0000:0000:0000:0000:ffff'));
        expect(`[${value.toString()}]`).toBe(new URL(`http://[${groups}]`).hostname);
        expect(parseAddress(groups)).toEqual(value);
      }),
      { numRuns: 1000 },
    );
  });

  it('is accepted exactly when Node accepts it, and then means the same', () => {
    const alphabet = fc.constantFrom(
      '0',
      '1',
      'f',
      'F',
      '00',
      'abcd',
      ':',
      ':',
      '::',
      '.',
      '9',
      '1.2.3.4',
      '-',
    );
    fc.assert(
      fc.property(
        fc.array(alphabet, { maxLength: 18 }).map((parts) => parts.join('')),
        (text) => {
          const parsed = tryParseAddress(text);
          if (parsed?.family === 4) expect(text).toMatch(/^(\d{1,3}\.){3}\d{1,3}$/);
          else expect(parsed !== undefined).toBe(isIPv6(text));
          if (parsed?.family !== 6 || parsed.toString().startsWith('::ffff:')) return;
          expect(`[${parsed.toString()}]`).toBe(new URL(`http://[${text}]`).hostname);
        },
      ),
      { numRuns: 20_000 },
    );
  });
});

describe('malformed text', () => {
  it.each([
    ['', 'want for example 10.5.1.0 or fc00::1'],
    ['host', 'want for example 10.5.1.0 or fc00::1'],
    ['010.0.0.1', 'leading zeros are octal to some; write 10.0.0.1'],
    ['10.0.0.00', 'leading zeros are octal to some; write 10.0.0.0'],
    ['10.5', 'write all four parts, such as 10.5.0.0'],
    ['10', 'write all four parts, such as 10.0.0.0'],
    ['10.5.0.256', 'want four parts from 0 to 255'],
    ['1.2.3.4.5', 'want four parts from 0 to 255'],
    ['10.5.0.', 'want for example'],
    ['-1.2.3.4', 'want for example'],
    ['0x0a.0.0.1', 'want for example'],
    ['10.5.0.1/24', 'leave out the prefix length'],
    [' 10.5.0.1', 'remove the white space'],
    ['10.5.0.1\n', 'remove the white space'],
    ['fe80::1%eth0', 'leave out the zone: fe80::1'],
    ['::ffff:01.2.3.4', 'want for example'],
    ['::ffff:1.2.3', 'want for example'],
    ['::1.2.3.4:5', 'want for example'],
    ['1.2.3.4::', 'want for example'],
    ['1:2:3:4:5:6:7:1.2.3.4', 'want for example'],
    [':::', 'want for example'],
    ['1::2::3', 'want for example'],
    ['1:2:3:4:5:6:7:8::', 'want for example'],
    ['1:2:3:4:5:6:7', 'want for example'],
    ['12345::', 'want for example'],
    ['[::1]', 'want for example'],
    ['١٠.٠.٠.١', 'want for example'],
  ])('%j is refused with advice', (text, advice) => {
    expect(tryParseAddress(text)).toBe(undefined);
    const error = capture(() => parseAddress(text));
    expect(error).toBeInstanceOf(AddressError);
    expect((error as AddressError).input).toBe(text);
    expect((error as Error).message).toContain(`${JSON.stringify(text)} is not an IP address: ${advice}`);
  });

  it.each(['1'.repeat(1e7), ':'.repeat(1e7), '1.'.repeat(1e7), `${'0:'.repeat(1e6)}1.2.3.4`])(
    'of millions of characters is refused in a short message',
    (text) => {
      const error = capture(() => parseAddress(text)) as AddressError;
      expect(error.input).toBe(text);
      expect(error.message.length).toBeLessThan(200);
      expect(error.message).toContain('it is too long');
    },
  );

  it('fails with nothing but an AddressError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0129:./%f]*$/)), (text) => {
        const result = capture(() => parseAddress(text));
        expect(result === undefined || result instanceof AddressError).toBe(true);
      }),
    );
  });
});

describe('numbers', () => {
  it('are the bytes in network order', () => {
    expect([...parseAddress('10.5.69.1').toBytes()]).toEqual([10, 5, 69, 1]);
    expect([...parseAddress('fc00::1').toBytes()]).toEqual([0xfc, ...Array<number>(14).fill(0), 1]);
    fc.assert(
      fc.property(address, (value) => {
        expect(addressFromBytes(value.toBytes())).toEqual(value);
      }),
    );
    expect(() => addressFromBytes(new Uint8Array(5))).toThrow('an IP address has 4 or 16 bytes, not 5');
  });

  it('stay in the address space of their family', () => {
    expect(() => new Address(4, 2n ** 32n)).toThrow('4294967296 is outside the IPv4 address space');
    expect(() => new Address(6, 2n ** 128n)).toThrow(RangeError);
    expect(() => new Address(4, -1n)).toThrow(RangeError);
    expect(() => parseAddress('255.255.255.255').offset(1)).toThrow(RangeError);
    expect(() => parseAddress('::').offset(-1)).toThrow(RangeError);
    expect(() => parseAddress('10.0.0.0').offset(0.5)).toThrow(RangeError);
    expect(String(parseAddress('10.255.255.255').offset(1))).toBe('11.0.0.0');
    expect(String(parseAddress('fc00::').offset(-1n))).toBe('fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff');
  });

  it('sort by family, then value, and are equal only within a family', () => {
    fc.assert(
      fc.property(ipv4, ipv4, (a, b) => {
        expect(Math.sign(a.compare(b))).toBe(Math.sign(Number(a.value - b.value)));
        expect(a.equals(b)).toBe(a.value === b.value);
        expect(a.compare(new Address(6, b.value))).toBeLessThan(0);
      }),
    );
    expect(parseAddress('0.0.0.1').equals(parseAddress('::1'))).toBe(false);
    expect(parseAddress('0.0.0.1').equals(undefined)).toBe(false);
  });

  it('cannot be changed', () => {
    const value = parseAddress('10.0.0.0');
    expect(() => Object.assign(value, { family: 6 })).toThrow(TypeError);
  });
});

function capture(body: () => unknown): unknown {
  try {
    body();
    return undefined;
  } catch (error) {
    return error;
  }
}
