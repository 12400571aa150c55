import { parsePrefix } from '@flannel-ts/ip';
import { describe, expect, it } from 'vitest';
import { bridgeName, createRequest, differences } from '../src/desired-network.ts';
import type { ApiVersion, ListedNetwork } from '../src/docker-api.ts';

const DESIRED = { name: 'flannel', subnet: parsePrefix('10.5.69.0/24'), mtu: 1450 };
const GATEWAY_MODE = 'com.docker.network.bridge.gateway_mode_ipv4';

const options = (api: ApiVersion) => createRequest(DESIRED, 'test', api)['Options'];

/** A network as an engine with API 1.48 lists it after it was created as desired. */
const ACTUAL: ListedNetwork = {
  id: 'a1',
  name: 'flannel',
  driver: 'bridge',
  ipam: [{ Subnet: '10.5.69.0/24', Gateway: '10.5.69.1' }],
  options: {
    'com.docker.network.driver.mtu': '1450',
    'com.docker.network.bridge.name': 'flannel-br',
    'com.docker.network.bridge.enable_ip_masquerade': 'false',
    [GATEWAY_MODE]: 'nat-unprotected',
  },
  labels: {},
};

describe('the desired network', () => {
  it('asks for the gateway mode nat-unprotected from API 1.48 on, that of engine 28', () => {
    expect(options([1, 47])).not.toHaveProperty([GATEWAY_MODE]);
    expect(options([1, 48])).toHaveProperty([GATEWAY_MODE], 'nat-unprotected');
    expect(options([2, 0])).toHaveProperty([GATEWAY_MODE], 'nat-unprotected');
  });

  it('differs in nothing from a network that was created as desired', () => {
    expect(differences(ACTUAL, DESIRED, [1, 48])).toEqual([]);
  });

  it('names what differs, and recreates for the option that an upgraded engine knows', () => {
    const changed = { ...DESIRED, subnet: parsePrefix('10.5.70.0/24'), mtu: 1400 };
    expect(differences(ACTUAL, changed, [1, 48])).toEqual([
      'subnet 10.5.69.0/24 instead of 10.5.70.0/24',
      'gateway 10.5.69.1 instead of 10.5.70.1',
      'com.docker.network.driver.mtu 1450 instead of 1400',
    ]);
    const { [GATEWAY_MODE]: _, ...old } = ACTUAL.options;
    expect(differences({ ...ACTUAL, options: old }, DESIRED, [1, 47])).toEqual([]);
    expect(differences({ ...ACTUAL, options: old }, DESIRED, [1, 48])).toEqual([
      `${GATEWAY_MODE} not set instead of nat-unprotected`,
    ]);
  });
});

describe('the name of the bridge', () => {
  it('is that of the network with -br, as long as an interface may have it', () => {
    expect(bridgeName('flannel')).toBe('flannel-br');
    expect(bridgeName('twelve-chars')).toBe('twelve-chars-br');
  });

  it('has 15 characters for longer names, and differs where they do', () => {
    const names = ['production-east', 'production-west'].map(bridgeName);
    for (const name of names) expect(name).toMatch(/^produc[0-9a-f]{6}-br$/);
    expect(names[0]).not.toBe(names[1]);
  });
});
