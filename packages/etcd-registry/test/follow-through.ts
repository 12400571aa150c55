import { run, type Etcd, type EtcdCluster } from '@flannel-ts/lab';
import { openAndFollow, type APIS } from './support.ts';

export type Role = 'leader' | 'follower';

/** A quick liveness; etcd closes connections that ask for a sign of life more often. */
export const QUICK = { intervalMs: 5_000, timeoutMs: 1_000 };

/** Follows leases through the member that has a role; again when an election, or an early failure, led elsewhere. */
export async function followThrough(
  cluster: EtcdCluster,
  role: Role,
  { api, roleOf }: { readonly api: (typeof APIS)[number]; readonly roleOf: (member: Etcd) => Promise<Role> },
) {
  for (;;) {
    await using stack = new AsyncDisposableStack();
    const roles = await Promise.all(cluster.members.map(roleOf));
    const used = roles.indexOf(role);
    if (used < 0) continue;
    // The first number chooses the member, the others delays.
    const numbers = [used / 3];
    const random = () => numbers.shift() ?? Math.random();
    const opened = stack.use(openAndFollow({ endpoints: cluster.endpoints, api }, { random }, QUICK));
    await opened.watch.until(() => opened.watch.events.length === 1);
    if ((await isConnectedTo(cluster.endpoints[used]!)) && (await roleOf(cluster.members[used]!)) === role)
      return { used, ...opened, stack: stack.move() };
  }
}

/** Whether this process has a connection to an endpoint. */
async function isConnectedTo(endpoint: string): Promise<boolean> {
  const { port } = new URL(endpoint);
  const connections = await run(['ss', '-Htnp', 'state', 'established', `dport = :${port}`]);
  return connections.includes(`pid=${process.pid},`);
}
