import { seconds, type Fault } from '../fault.ts';
import type { FaultHost } from '../host.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';

interface BadEntry {
  readonly kind: string;
  readonly key: (network: string, own: string) => string;
  readonly value: (context: { readonly host: FaultHost; readonly mac: string }) => string;
}

/** Entries of a subnet that no host has, in the upper quarter of the network. */
const free = (octet: number) => (network: string) => network.replace('.0.0/16', `.${octet}.0-24`);
const vxlan = (publicIp: string, data: object = { VNI: 1, VtepMAC: '02:00:00:00:00:99' }) =>
  JSON.stringify({ PublicIP: publicIp, BackendType: 'vxlan', BackendData: data });
const STRANGER = '192.168.77.200';
const MEGABYTE = 1 << 20;
const DEPTH = 10_000;

/** What an operator or another program may write under `subnets/`. */
const ENTRIES: readonly BadEntry[] = [
  { kind: 'a key that is no subnet', key: () => 'hello', value: () => 'world' },
  { kind: 'a value that is no JSON', key: free(250), value: () => '{"PublicIP":' },
  { kind: 'a value of 1 MiB', key: free(251), value: () => 'x'.repeat(MEGABYTE) },
  {
    kind: 'nested 10,000 deep',
    key: free(252),
    value: () =>
      `{"PublicIP":"${STRANGER}","BackendType":"vxlan","BackendData":${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}}`,
  },
  {
    kind: 'another VNI',
    key: free(253),
    value: () => vxlan(STRANGER, { VNI: 4711, VtepMAC: '02:00:00:00:00:99' }),
  },
  {
    kind: 'the MAC of another host',
    key: free(254),
    value: ({ mac }) => vxlan(STRANGER, { VNI: 1, VtepMAC: mac }),
  },
  { kind: 'a loopback address', key: free(249), value: () => vxlan('127.0.0.1') },
  { kind: 'a multicast address', key: free(248), value: () => vxlan('224.0.0.1') },
  {
    kind: 'a subnet around others',
    key: (network) => network.replace('.0.0/16', '.0.0-17'),
    value: () => vxlan(STRANGER),
  },
  {
    kind: 'a part of a subnet',
    key: (_, own) => own.replace('.0-24', '.128-25'),
    value: () => vxlan(STRANGER),
  },
];

/** What is done to the lease of one host. */
const ATTACKS: readonly {
  readonly kind: string;
  readonly attack: (world: World, key: string) => Promise<void>;
  /** The entry stays another host's, so it is taken away again. */
  readonly isTheft?: boolean;
}[] = [
  { kind: 'own lease deleted', attack: ({ client }, key) => client.deleteLease(key) },
  {
    kind: 'own lease overwritten with garbage',
    attack: ({ client }, key) => client.putLease(key, '{"Public'),
  },
  {
    kind: 'own lease stolen',
    attack: ({ client }, key) => client.putLease(key, vxlan(STRANGER)),
    isTheft: true,
  },
];

export const leaseFaults: readonly Fault[] = [
  ...ENTRIES.map(({ kind, key, value }): Fault => ({
    kind: `bad entry: ${kind}`,
    async inject(world, random) {
      const { host, key: own, data } = await pickLease(world, random);
      const bad = key(world.network.config.Network, own);
      await world.client.putLease(bad, value({ host, mac: data?.VtepMAC ?? '02:00:00:00:00:99' }));
      const heal = () => world.client.deleteLease(bad);
      return { what: bad, holdMs: seconds(random, 1, 5), heal };
    },
  })),
  ...ATTACKS.map(({ kind, attack, isTheft = false }): Fault => ({
    kind,
    async inject(world, random) {
      const { host, key } = await pickLease(world, random);
      await attack(world, key);
      const heal = async () => {
        if (isTheft) await world.client.deleteLease(key);
      };
      const effect = async () => {
        const env = await host.subnetEnv();
        return env['FLANNEL_SUBNET']?.startsWith(key.replace('.0-24', '.1/'))
          ? 'it keeps the subnet'
          : undefined;
      };
      const what = `${host.name}, ${key}`;
      return { what, holdMs: 0, ...(isTheft && { effect }), heal };
    },
  })),
];

async function pickLease(world: World, random: Random) {
  const host = random.pick(world.hosts);
  const lease = (await world.client.leases()).find(({ publicIp }) => publicIp === host.underlayAddress);
  if (!lease) throw new Error(`${host.name} has no lease`);
  const { BackendData: data } = JSON.parse(lease.value) as { BackendData?: { VtepMAC?: string } };
  return { host, key: lease.key, data };
}
