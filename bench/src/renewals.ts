import { startEtcdCluster } from '@flannel-ts/lab';
import { changeLeader, restartLeader } from './disturb-etcd.ts';
import { keepLeases } from './keep-leases.ts';
import { readLeaseHistory } from './lease-history.ts';
import type { Benchmark } from './report.ts';

const PREFIX = '/bench';
const HOSTS = 20;
/** Of each lease; every 3 s, so that this takes ten minutes. */
const RENEWALS = 200;

/** Renews leases as often as in months of a cluster, while etcd's members change their leader and are restarted. */
export const renewals: Benchmark = {
  name: 'renewals',
  describe:
    '200 renewals of 20 leases, 3 s apart, while etcd’s leader changes and restarts; ten minutes a round',
  long: true,
  async run({ rounds, sample, progress }) {
    for (let round = 1; round <= rounds; round++) {
      await using etcd = await startEtcdCluster(3);
      const step = (text: string, act: (cluster: typeof etcd) => Promise<void>) => () => {
        progress(`round ${round}: ${text}`);
        return act(etcd);
      };
      const change = step('another leader', changeLeader);
      const restart = step('the leader is killed and started again', restartLeader);
      const disturbances = [change, restart, change, restart, change, restart];
      const kept = await keepLeases(etcd, { prefix: PREFIX, hosts: HOSTS, renewals: RENEWALS, disturbances });
      const history = await readLeaseHistory(etcd.members[0]!, PREFIX);
      if (history.length !== HOSTS) throw new Error(`${history.length} leases in etcd, not ${HOSTS}`);
      const figures = [
        { metric: 'renewals', unit: '', value: kept.renewals },
        { metric: 'attempts that failed', unit: '', value: kept.failures },
        { metric: 'longest time between renewals', unit: 's', value: kept.longestIntervalMs / 1_000 },
        {
          metric: 'writes in etcd’s history',
          unit: '',
          value: history.reduce((sum, { writes }) => sum + writes, 0),
        },
      ];
      for (const figure of figures) sample('renewals, 20 leases', figure);
    }
  },
};
