import type { Family } from '@flannel-ts/ip';
import { expect, it } from 'vitest';
import { ipHeaderBytes, tunnelOverheadBytes, type OverheadBackend } from '../src/index.ts';

it.each<[OverheadBackend, Family, number]>([
  ['udp', 4, 28],
  ['udp', 6, 48],
  ['vxlan', 4, 50],
  ['vxlan', 6, 70],
  ['ipip', 4, 20],
  ['ipip', 6, 40],
  ['wireguard', 4, 80],
  ['wireguard', 6, 80],
  ['ipsec', 4, 77],
  ['ipsec', 6, 97],
  ['host-gw', 4, 0],
  ['host-gw', 6, 0],
  ['alloc', 4, 0],
  ['aws-vpc', 4, 0],
  ['gce', 4, 0],
])('%s over IPv%s adds %s bytes', (backend, underlay, bytes) => {
  expect(tunnelOverheadBytes(backend, underlay)).toBe(bytes);
});

it('an IP header without options has 20 or 40 bytes', () => {
  expect([ipHeaderBytes(4), ipHeaderBytes(6)]).toEqual([20, 40]);
});
