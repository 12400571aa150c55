import { parseAddress, parseInterfaceAddress, parsePrefix } from '@flannel-ts/ip';
import type { Link, LinkAddress } from '@flannel-ts/netlink';
import { expect, it } from 'vitest';
import { judgeDockerBridge } from '../src/docker-bridge.ts';

const env = { network: parsePrefix('10.5.0.0/16'), subnet: parseInterfaceAddress('10.5.9.1/24'), mtu: 1450 };
const FIX = 'run: systemctl restart docker';

it.each([
  ['no docker0', undefined, []],
  ['docker0 without an IPv4 address', link('docker0', 1500), ['fe80::1/64']],
  ['docker0 on the lease', link('docker0', 1450), ['10.5.9.1/24', 'fe80::1/64']],
  ['an empty bridge, to which Docker 20.10 gives no MTU', link('docker0', 1500), ['10.5.9.1/24']],
])('is ok with %s', (_, bridge, addresses) => {
  expect(judge({ bridge, addresses, managed: true })).toBe('ok');
});

it('is failing while docker0 is on another subnet than the lease, whose options Docker was to take', () => {
  expect(judge({ addresses: ['172.17.0.1/16'], managed: true })).toBe(
    `failing: docker0 must have 10.5.9.1/24, the lease of this host, not 172.17.0.1/16; ${FIX}`,
  );
});

it('leaves a docker0 alone that no one gave a subnet of the network, and judges one that has', () => {
  expect(judge({ addresses: ['172.17.0.1/16'], managed: false })).toBe('ok');
  expect(judge({ addresses: ['10.5.8.1/24'], managed: false })).toBe(
    `failing: docker0 must have 10.5.9.1/24, the lease of this host, not 10.5.8.1/24; ${FIX}`,
  );
});

it('is failing when the MTU is too large for the overlay, and degraded when it is smaller than it may be', () => {
  const addresses = ['10.5.9.1/24'];
  const port = (mtu: number) => [{ ...link('veth1', mtu), index: 3, masterIndex: 2 }];
  expect(judge({ addresses, ports: port(1450), managed: true })).toBe('ok');
  expect(judge({ addresses, ports: port(1500), managed: true })).toBe(
    `failing: veth1, a port of docker0, must have the MTU 1450, not 1500; ${FIX}`,
  );
  expect(judge({ addresses, ports: port(1400), managed: true })).toBe(
    `degraded: veth1, a port of docker0, must have the MTU 1450, not 1400; ${FIX}`,
  );
  expect(judge({ bridge: link('docker0', 9000), addresses, managed: true })).toBe(
    `failing: docker0 must have the MTU 1450, not 9000; ${FIX}`,
  );
});

function judge(host: {
  readonly bridge?: Link | undefined;
  readonly ports?: readonly Link[];
  readonly addresses: readonly string[];
  readonly managed: boolean;
}): string {
  const bridge = 'bridge' in host ? host.bridge : link('docker0', 1500);
  const links = [...(bridge ? [bridge] : []), ...(host.ports ?? [])];
  const { state, reason } = judgeDockerBridge(
    { links, addresses: host.addresses.map(addressOfBridge) },
    { env, managed: host.managed },
  );
  return reason === undefined ? state : `${state}: ${reason}`;
}

function link(name: string, mtu: number): Link {
  return { index: 2, name, mtu, up: true, detail: { kind: 'bridge' } };
}

function addressOfBridge(text: string): LinkAddress {
  const [address, length] = text.split('/') as [string, string];
  return { linkIndex: 2, address: parseAddress(address), prefixLength: Number(length), scope: 'global' };
}
