import type { Json } from '@flannel-ts/subnet';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '@flannel-ts/ip';
import { BackendConfigError, createBackends } from '../src/index.ts';
import { create, underlay } from './support/context.ts';

async function errorOf(attempt: () => Promise<unknown>): Promise<BackendConfigError> {
  const error: unknown = await attempt().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BackendConfigError);
  return error as BackendConfigError;
}

it.each<[Record<string, Json>, string, string]>([
  [{ Type: 'vxlan', VNI: -1 }, 'Backend.VNI', 'must be a whole number from 0 to 16777215, not -1'],
  [{ Type: 'vxlan', VNI: 16_777_216 }, 'Backend.VNI', 'from 0 to 16777215, not 16777216'],
  [{ Type: 'vxlan', VNI: '1' }, 'Backend.VNI', 'not "1"'],
  [{ Type: 'vxlan', Port: 65_536 }, 'Backend.Port', 'from 0 to 65535, not 65536'],
  [{ Type: 'vxlan', MTU: 625 }, 'Backend.MTU', 'from 626 to 65535, not 625'],
  [{ Type: 'vxlan', MTU: 1400.5 }, 'Backend.MTU', 'not 1400.5'],
  [{ Type: 'vxlan', GBP: 1 }, 'Backend.GBP', 'must be true or false, not 1'],
  [{ Type: 'vxlan', Learning: 'yes' }, 'Backend.Learning', 'must be true or false, not "yes"'],
  [{ Type: 'vxlan', DirectRouting: 'true' }, 'Backend.DirectRouting', 'must be true or false, not "true"'],
  [{ Type: 'udp', Port: 0 }, 'Backend.Port', 'from 1 to 65535, not 0'],
  [{ Type: 'udp', Port: '8285' }, 'Backend.Port', 'not "8285"'],
])('%j is refused', async (backend, field, message) => {
  const error = await errorOf(() => create(backend));
  expect(error.field).toBe(field);
  expect(error.message).toMatch(new RegExp(`^${field} .*${message}$`));
});

describe.each(['vxlan', 'udp', 'host-gw'])('%s', (type) => {
  it.each<[Record<string, Json>, string]>([
    [{ EnableIPv6: true, IPv6Network: 'fc00::/48' }, 'EnableIPv6'],
    [{ EnableIPv4: false, EnableIPv6: true, IPv6Network: 'fc00::/48' }, 'EnableIPv4'],
  ])('refuses an IPv6 overlay: %j', async (network, field) => {
    const error = await errorOf(() => create({ Type: type }, { network }));
    expect(error).toMatchObject({ field });
    expect(error.message).toContain(`the ${type} backend carries IPv4 only`);
  });

  it('refuses an interface without IPv4', async () => {
    const ipv6 = { ...underlay, address: { ipv6: parseAddress('2001:db8::1') } };
    const error = await errorOf(() => create({ Type: type }, { underlay: ipv6 }));
    expect(error.message).toContain('needs an IPv4 address on eth0');
  });
});

describe('the backends', () => {
  it('are udp for no Backend, as upstream has it', async () => {
    expect((await create(null)).mtu).toBe(1472);
  });

  it.each(['vxlan', 'VXLAN', 'Host-GW', 'udp', 'alloc'])('include %s', async (type) => {
    await expect(create({ Type: type })).resolves.toBeDefined();
  });

  it.each(['', 'wireguard', 'constructor'])('are named where there is no %j', async (type) => {
    expect(createBackends().types).toEqual(['alloc', 'host-gw', 'udp', 'vxlan']);
    const error = await errorOf(() => create({ Type: type }));
    expect(error).toMatchObject({
      field: 'Backend.Type',
      message: `unknown backend type: ${type} (known are alloc, host-gw, udp, vxlan)`,
    });
  });
});
