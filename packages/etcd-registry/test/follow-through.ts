import { run, type Etcd, type EtcdCluster } from '@flannel-ts/lab';
import { createRecordingLog } from '@flannel-ts/subnet/testing';
import { createEtcdRegistry } from '../src/index.ts';
import { follow, type APIS } from './support.ts';

export type Role = 'leader' | 'follower';

/** Follows leases through the member that has a role; again when an election, or an early failure, led elsewhere. */
export async function followThrough(
  cluster: EtcdCluster,
  role: Role,
  { api, roleOf }: { readonly api: (typeof APIS)[number]; readonly roleOf: (member: Etcd) => Promise<Role> },
) {
  for (;;) {
    const log = createRecordingLog();
    await using stack = new AsyncDisposableStack();
    const roles = await Promise.all(cluster.members.map(roleOf));
    const used = roles.indexOf(role);
    if (used < 0) continue;
    const components = { log, random: () => used / 3 };
    const registry = stack.use(createEtcdRegistry(components, { endpoints: cluster.endpoints, api }));
    const watch = stack.use(follow(registry));
    await watch.until(() => watch.events.length === 1);
    if ((await isConnectedTo(cluster.endpoints[used]!)) && (await roleOf(cluster.members[used]!)) === role)
      return { used, watch, registry, log, stack: stack.move() };
  }
}

/** Whether this process has a connection to an endpoint. */
async function isConnectedTo(endpoint: string): Promise<boolean> {
  const { port } = new URL(endpoint);
  const connections = await run(['ss', '-Htnp', 'state', 'established', `dport = :${port}`]);
  return connections.includes(`pid=${process.pid},`);
}
