import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { describe, expect, it } from 'vitest';
import { PeerDataError } from '../src/index.ts';
import { create, createContext, createIn, lease, underlay } from './support/context.ts';

describe.each(['vxlan', 'host-gw', 'udp'])('%s', (type) => {
  const peerAt = (address: string, number = 7) =>
    lease(number, {
      publicIp: { ipv4: parseAddress(address) },
      backendType: type,
      backendData: { VtepMAC: '02:00:00:00:01:07' },
    });

  it.each([
    ['0.1.2.3', 'an address of no host'],
    ['127.0.0.1', 'a loopback address'],
    ['224.0.0.5', 'a multicast address'],
    ['255.255.255.255', 'the broadcast address'],
    ['192.0.2.255', 'the broadcast address of our link'],
    ['169.254.7.7', 'a link-local address of another link'],
    ['192.0.2.1', 'our own: a former lease of this host expires by itself'],
  ])('does not follow a peer at %s, and says that it is %s', async (address, kind) => {
    const backend = await create({ Type: type });
    expect(() => backend.planPeer(peerAt(address))).toThrow(PeerDataError);
    expect(() => backend.planPeer(peerAt(address))).toThrow(`not ${address}, ${kind}`);
  });

  it.each(['192.0.2.254', '203.0.113.255'])('follows a peer at %s', async (address) => {
    const backend = await create({ Type: type });
    expect(backend.planPeer(peerAt(address))).toBeDefined();
  });

  it('follows link-local peers on a link-local underlay, and both hosts of a point-to-point link', async () => {
    const address = { ipv4: parseAddress('169.254.1.1') };
    const onLink = [parsePrefix('169.254.0.0/16'), parsePrefix('198.51.100.0/31')];
    const local = { ...underlay, address, publicIp: address, onLink };
    const backend = await create({ Type: type }, { underlay: local });
    expect(backend.planPeer(peerAt('169.254.7.7'))).toBeDefined();
    expect(backend.planPeer(peerAt('198.51.100.1'))).toBeDefined();
    expect(() => backend.planPeer(peerAt('169.254.255.255'))).toThrow('broadcast');
  });
});

it('our own address is also that of the interface behind a NAT', async () => {
  const nat = { ...underlay, publicIp: { ipv4: parseAddress('203.0.113.1') } };
  const backend = await createIn(createContext({ Type: 'udp' }, { underlay: nat }));
  for (const address of ['192.0.2.1', '203.0.113.1']) {
    const peer = lease(7, { publicIp: { ipv4: parseAddress(address) } });
    expect(() => backend.planPeer(peer)).toThrow(`not ${address}, our own`);
  }
});
