import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import { startEtcd, type Etcd } from '@flannel-ts/lab';
import {
  acquireLease,
  leaseKey,
  OutOfSubnetsError,
  parseNetworkConfig,
  type AcquireOptions,
  type Lease,
} from '@flannel-ts/subnet';
import { createRecordingLog } from '@flannel-ts/subnet/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEtcdRegistry } from '../src/index.ts';
import { DAY_MS, PREFIX } from './support.ts';

const wide = parseNetworkConfig('{"Network":"10.5.0.0/16"}');
const hundredSubnets = parseNetworkConfig(
  '{"Network":"10.5.0.0/16","SubnetMin":"10.5.1.0","SubnetMax":"10.5.100.0"}',
);
let etcd: Etcd;

beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());
beforeEach(() => etcd.etcdctl('del', '--prefix', PREFIX));

/** What a daemon does at its start, as host number `host` with a registry of its own. */
async function start(host: number, options: Pick<AcquireOptions, 'config' | 'previous'>): Promise<Lease> {
  const log = createRecordingLog();
  await using registry = createEtcdRegistry({ log }, { endpoints: etcd.endpoints });
  const attributes = { publicIp: { ipv4: parseAddress(`192.0.2.${host}`) }, backendType: 'vxlan' };
  return await acquireLease(
    { registry, log, random: Math.random },
    { ...options, attributes, ttlMs: DAY_MS },
  );
}

const hosts = Array.from({ length: 100 }, (_, index) => index + 1);
const subnets = (leases: readonly Lease[]) => new Set(leases.map(leaseKey));

describe('100 hosts that start at once', () => {
  it('get 100 different subnets', async () => {
    const leases = await Promise.all(hosts.map((host) => start(host, { config: wide })));
    expect(subnets(leases).size).toBe(100);
  });

  it('get 100 different subnets when two ask for the same previous one', async () => {
    const previous = parseSubnetKey('10.5.77.0-24');
    const leases = await Promise.all(
      hosts.map((host) => start(host, { config: wide, ...(host <= 2 && { previous }) })),
    );
    expect(subnets(leases).size).toBe(100);
  });

  it('get all subnets of a network with 100, and the 101st host is told that there is none', async () => {
    const previous = parseSubnetKey('10.5.77.0-24');
    const leases = await Promise.all(
      hosts.map((host) => start(host, { config: hundredSubnets, ...(host <= 2 && { previous }) })),
    );
    expect(subnets(leases).size).toBe(100);
    await expect(start(101, { config: hundredSubnets })).rejects.toThrow(OutOfSubnetsError);
  });
});
