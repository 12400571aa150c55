import { startEtcdCluster } from '@flannel-ts/lab';
import { expect, it } from 'vitest';
import { changeLeader, restartLeader } from '../src/disturb-etcd.ts';
import { keepLeases } from '../src/keep-leases.ts';
import { readLeaseHistory } from '../src/lease-history.ts';

const PREFIX = '/renewals';

it('twenty hosts renew their leases, and no key is deleted or changes hands, while etcd changes its leader and restarts it', async () => {
  await using etcd = await startEtcdCluster(3);
  const disturbances = [() => changeLeader(etcd), () => restartLeader(etcd)];
  const kept = await keepLeases(etcd, { prefix: PREFIX, hosts: 20, renewals: 7, disturbances });
  expect(kept.renewals).toBeGreaterThanOrEqual(20 * 7);
  expect(kept.longestIntervalMs).toBeLessThan(20_000);
  const history = await readLeaseHistory(etcd.members[0]!, PREFIX);
  expect(new Set(history.map(({ publicIp }) => publicIp)).size).toBe(20);
  for (const { writes } of history) expect(writes).toBeGreaterThan(7);
});

it('a history in which a key was deleted or changed hands is refused', async () => {
  await using etcd = await startEtcdCluster(1);
  const [member] = etcd.members;
  const key = (prefix: string) => `${prefix}/subnets/10.5.1.0-24`;
  await member!.etcdctl('put', key('/deleted'), '{"PublicIP":"192.0.2.1"}');
  await member!.etcdctl('del', key('/deleted'));
  await expect(readLeaseHistory(member!, '/deleted')).rejects.toThrow('was deleted');
  await member!.etcdctl('put', key('/taken'), '{"PublicIP":"192.0.2.1"}');
  await member!.etcdctl('put', key('/taken'), '{"PublicIP":"192.0.2.2"}');
  await expect(readLeaseHistory(member!, '/taken')).rejects.toThrow('changed hands');
});
