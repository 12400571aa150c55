import { startEtcdCluster } from '@flannel-ts/lab';
import { expect, it } from 'vitest';
import { createEtcdClient, SUBNETS } from './etcd-client.ts';
import { createHistory } from './history.ts';

const HOSTS = [new Set(['192.168.77.11']), new Set(['192.168.77.12'])];
const [HOST1, HOST2] = ['192.168.77.11', '192.168.77.12'].map((ip) => `{"PublicIP":"${ip}"}`);

it('a host that writes over the key of another one in etcd is found, once, and none that takes a free one', async () => {
  await using etcd = await startEtcdCluster(1);
  const client = createEtcdClient(etcd, { inUnderlay: [], flags: [] });
  await using history = createHistory(client, { endpoints: etcd.endpoints, inUnderlay: [], flags: [] });
  const put = (key: string, value = '') => client.etcdctl(['put', SUBNETS + key], { input: value });
  const recorded = (changes: number) => expect.poll(() => history.size).toBe(changes);
  await put('10.5.1.0-24', HOST1);
  await history.begin();

  await put('10.5.2.0-24', HOST2);
  await client.deleteLease('10.5.2.0-24');
  await put('10.5.2.0-24', HOST1);
  await recorded(3);
  expect(await history.check(HOSTS)).toEqual([]);

  await put('10.5.1.0-24', HOST2);
  await recorded(4);
  expect(await history.check(HOSTS)).toEqual([
    expect.stringMatching(/^revision \d+: host2 wrote 10\.5\.1\.0-24 over /),
  ]);
  expect(await history.check(HOSTS)).toEqual([]);
});
