import type { Underlay } from '@flannel-ts/backend';
import { parseAddress, parseInterfaceAddress } from '@flannel-ts/ip';
import { parseNetworkConfig } from '@flannel-ts/subnet';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createConditions } from '../src/conditions.ts';
import { reportUnderlayOverlap } from '../src/underlay-overlap.ts';

it.each([
  ['10.0.0.11/24', { Network: '10.5.0.0/16' }, 'ok'],
  ['10.0.0.11/24', { Network: '10.0.0.0/8', SubnetMin: '10.10.0.0', SubnetMax: '10.99.0.0' }, 'degraded'],
  ['10.1.2.3/24', { Network: '10.0.0.0/8' }, 'failing'],
  // The second subnet is the first that is leased by default, the last one ends Network.
  ['10.5.0.11/24', { Network: '10.5.0.0/16' }, 'degraded'],
  ['10.5.255.11/24', { Network: '10.5.0.0/16' }, 'failing'],
  ['10.5.99.200/24', { Network: '10.5.0.0/16', SubnetMax: '10.5.99.0' }, 'failing'],
  ['10.5.100.1/24', { Network: '10.5.0.0/16', SubnetMax: '10.5.99.0' }, 'degraded'],
  // The underlay's network can be the larger one.
  ['10.200.0.1/8', { Network: '10.5.0.0/16' }, 'failing'],
])('an underlay %s with %j is %s', (address, config, state) => {
  expect(report(address, config)).toMatchObject({ part: 'underlay', state });
});

it('a public address in Network counts, also when it is not the interface’s own', () => {
  const found = report('192.168.1.2/24', { Network: '203.0.0.0/16' }, '203.0.113.7');
  expect(found).toMatchObject({ state: 'failing' });
  expect(found?.reason).toContain('203.0.113.7/32');
});

it('names the field, what is wrong and what to do', () => {
  expect(report('10.1.2.3/24', { Network: '10.0.0.0/8' })?.reason).toBe(
    'Network must be apart from 10.1.2.0/24 on eth0, not 10.0.0.0/8: packets of containers to hosts there are not ' +
      'masqueraded, so no answer comes back, and a host may lease a subnet of it; write a Network that overlaps no ' +
      'network of the hosts to /coreos.com/network/config, then restart flanneld and Docker on every host',
  );
});

function report(text: string, config: object, publicIp?: string) {
  const { address, prefix } = parseInterfaceAddress(text);
  const underlay: Underlay = {
    link: 'eth0',
    mtu: 1500,
    address: { ipv4: address },
    onLink: [prefix],
    publicIp: { ipv4: publicIp === undefined ? address : parseAddress(publicIp) },
  };
  const conditions = createConditions({ log: pino({ level: 'silent' }) });
  const network = parseNetworkConfig(JSON.stringify(config));
  reportUnderlayOverlap(conditions, { underlay, config: network, prefix: '/coreos.com/network' });
  return conditions.list()[0];
}
