import { run, type EtcdCluster } from '@flannel-ts/lab';

export const PREFIX = '/coreos.com/network';
export const SUBNETS = `${PREFIX}/subnets/`;

/** A key under `subnets/` as it stands in etcd. */
export interface StoredLease {
  /** `10.5.69.0-24`. */
  readonly key: string;
  readonly value: string;
  /** The value's public address, if it is a lease. */
  readonly publicIp: string | undefined;
}

/** etcd by its own tool, through all members. */
export interface EtcdClient {
  /** Runs `etcdctl`. */
  etcdctl(
    args: readonly string[],
    options?: {
      /** Its standard input. @default empty */
      readonly input?: string;
      /** URLs of the members to ask. @default all */
      readonly endpoints?: readonly string[];
    },
  ): Promise<string>;
  /** Writes a key under `subnets/` in the place of a careless operator: the history's check knows it. */
  putLease(key: string, value: string): Promise<void>;
  deleteLease(key: string): Promise<void>;
  leases(): Promise<readonly StoredLease[]>;
  /** Returns all leases, and the revision at which they are these. */
  listing(): Promise<{ readonly revision: number; readonly leases: readonly StoredLease[] }>;
  /** Whether the suite, and not a daemon, has written this. */
  isOurs(key: string, value: string): boolean;
}

/**
 * Creates the client.
 * @param inUnderlay - runs a command where etcd is
 * @param flags - credentials
 */
export function createEtcdClient(
  cluster: EtcdCluster,
  { inUnderlay, flags }: { readonly inUnderlay: readonly string[]; readonly flags: readonly string[] },
): EtcdClient {
  const client = ['env', 'ETCDCTL_API=3', 'etcdctl', '--command-timeout=20s', ...flags];
  const written = new Set<string>();
  const etcdctl: EtcdClient['etcdctl'] = (args, { input = '', endpoints = cluster.endpoints } = {}) =>
    run([...inUnderlay, ...client, `--endpoints=${endpoints.join(',')}`, ...args], { input });
  const listing = async () => {
    const answer = await etcdctl(['get', '--prefix', SUBNETS, '--write-out=json']);
    const { header, kvs = [] } = JSON.parse(answer) as {
      header: { revision: number };
      kvs?: { key: string; value?: string }[];
    };
    const leases = kvs.map(({ key, value }) => ({
      key: fromBase64(key).slice(SUBNETS.length),
      value: fromBase64(value),
      publicIp: publicIpOf(fromBase64(value)),
    }));
    return { revision: header.revision, leases };
  };
  return {
    etcdctl,
    async putLease(key, value) {
      written.add(`${key}\n${value}`);
      await etcdctl(['put', SUBNETS + key], { input: value });
    },
    async deleteLease(key) {
      await etcdctl(['del', SUBNETS + key]);
    },
    listing,
    leases: async () => (await listing()).leases,
    isOurs: (key, value) => written.has(`${key}\n${value}`),
  };
}

/** @returns undefined when the value is no lease */
export function publicIpOf(value: string): string | undefined {
  try {
    const { PublicIP: publicIp } = JSON.parse(value) as { PublicIP?: unknown };
    return typeof publicIp === 'string' ? publicIp : undefined;
  } catch {
    return undefined;
  }
}

export function fromBase64(text = ''): string {
  return Buffer.from(text, 'base64').toString();
}
