import { join } from 'node:path';
import { createLab, startEtcdCluster, type EtcdCluster, type Lab } from '@flannel-ts/lab';
import { createEtcdClient, PREFIX, type EtcdClient } from './etcd-client.ts';
import { createHistory, type History } from './history.ts';
import { createFaultHost, type FaultHost } from './host.ts';
import { NETWORKS, type NetworkChoice } from './networks.ts';
import { openAccess, type Access, type AccessKind } from './access.ts';

/** Everything that a fault may break: hosts with daemons and containers, an etcd of three members, a network config. */
export interface World extends AsyncDisposable {
  readonly lab: Lab;
  readonly hosts: readonly FaultHost[];
  readonly etcd: EtcdCluster;
  readonly client: EtcdClient;
  readonly access: Access;
  readonly history: History;
  /** The network config that the daemons are to follow. */
  readonly network: NetworkChoice;
  /** Runs a command where etcd is. */
  inUnderlay(...command: string[]): Promise<string>;
  /** Writes a network config and expects it from now on. */
  configure(network: NetworkChoice): Promise<void>;
  /** Replaces etcd's data by nothing or by a snapshot; the history begins anew. */
  replaceData(snapshot?: string): Promise<void>;
}

/** Seconds for which a lease lives: short, so that its end is seen. */
export const TTL_S = 20;

const FLANNELD = join(import.meta.dirname, '../../node_modules/.bin/flanneld');

/** Starts etcd, writes the network config, and starts a daemon on each of `size` hosts. */
export async function createWorld(options: {
  readonly hosts: number;
  readonly access: AccessKind;
}): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const lab = stack.use(await createLab());
  const inUnderlay = ['ip', 'netns', 'exec', lab.underlay.namespace];
  const access = stack.use(await openAccess(options.access, lab));
  const etcd = stack.use(
    await startEtcdCluster(3, { commandPrefix: inUnderlay, address: lab.underlayAddress, ...access.etcd }),
  );
  await access.secure(etcd);
  const flags = access.etcd.etcdctlFlags;
  const client = createEtcdClient(etcd, { inUnderlay, flags });
  const history = stack.use(createHistory(client, { endpoints: etcd.endpoints, inUnderlay, flags }));
  const command = [
    ...[FLANNELD, `--etcd-endpoints=${etcd.endpoints.join(',')}`, '--etcd-api=v3', ...access.daemonFlags],
    ...[`--subnet-lease-ttl=${TTL_S}s`, '--ip-masq'],
  ];
  let network = NETWORKS[0]!;
  const configure = async (next: NetworkChoice) => {
    network = next;
    await client.etcdctl(['put', `${PREFIX}/config`, JSON.stringify(next.config)]);
  };
  await configure(network);
  await history.begin();
  const hosts: FaultHost[] = [];
  for (let count = 0; count < options.hosts; count++)
    hosts.push(await createFaultHost(await lab.addHost(), command));
  for (const host of hosts) host.startDaemon();
  const all = stack.move();
  return {
    ...{ lab, hosts, etcd, client, access, history, configure },
    get network() {
      return network;
    },
    inUnderlay: (...words) => lab.underlay.run(...words),
    async replaceData(snapshot) {
      await history.pause();
      await etcd.replaceData(snapshot);
      if (snapshot === undefined) await access.secure(etcd);
      await history.begin();
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
