import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import { startEtcd, type Etcd } from '@flannel-ts/lab';
import {
  acquireLease,
  leaseKey,
  parseNetworkConfig,
  type AcquireOptions,
  type Lease,
} from '@flannel-ts/subnet';
import { createRecordingLog } from '@flannel-ts/subnet/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEtcdRegistry, type EtcdRegistryOptions } from '../src/index.ts';
import { APIS, DAY_MS } from './support.ts';

const wide = parseNetworkConfig('{"Network":"10.5.0.0/16"}');
const hundredSubnets = parseNetworkConfig(
  '{"Network":"10.5.0.0/16","SubnetMin":"10.5.1.0","SubnetMax":"10.5.100.0"}',
);
type Store = Pick<EtcdRegistryOptions, 'api' | 'prefix'>;
type Wanted = Pick<AcquireOptions, 'config' | 'previous'>;

let etcd: Etcd;

beforeAll(async () => {
  etcd = await startEtcd({ enableV2: true });
});
afterAll(() => etcd[Symbol.asyncDispose]());

/** What a daemon does at its start, as host number `host` with a registry of its own. */
async function startOn(store: Store, host: number, options: Wanted): Promise<Lease> {
  const log = createRecordingLog();
  await using registry = createEtcdRegistry({ log }, { endpoints: etcd.endpoints, ...store });
  const attributes = { publicIp: { ipv4: parseAddress(`192.0.2.${host}`) }, backendType: 'vxlan' };
  return await acquireLease(
    { registry, log, random: Math.random },
    { ...options, attributes, ttlMs: DAY_MS },
  );
}

const hosts = Array.from({ length: 100 }, (_, index) => index + 1);
const subnetsOf = (leases: readonly Lease[]) => new Set(leases.map(leaseKey));

describe.each(APIS)('100 hosts that start at once over %s', (api) => {
  let stores = 0;
  let start: (host: number, options: Wanted) => Promise<Lease>;
  beforeEach(() => {
    start = startOn.bind(undefined, { api, prefix: `/${api}-${++stores}` });
  });

  it('get 100 different subnets', async () => {
    const leases = await Promise.all(hosts.map((host) => start(host, { config: wide })));
    expect(subnetsOf(leases).size).toBe(100);
  });

  it('get 100 different subnets when two ask for the same previous one', async () => {
    const previous = parseSubnetKey('10.5.77.0-24');
    const leases = await Promise.all(
      hosts.map((host) => start(host, { config: wide, ...(host <= 2 && { previous }) })),
    );
    expect(subnetsOf(leases).size).toBe(100);
  });

  it('get all subnets of a network with 100, and the 101st host is told that there is none', async () => {
    const previous = parseSubnetKey('10.5.77.0-24');
    const leases = await Promise.all(
      hosts.map((host) => start(host, { config: hundredSubnets, ...(host <= 2 && { previous }) })),
    );
    expect(subnetsOf(leases).size).toBe(100);
    await expect(start(101, { config: hundredSubnets })).rejects.toThrow('out of subnets');
  });
});
