import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLab, startEtcd } from '@flannel-ts/lab';
import { expect, it } from 'vitest';
import { eventually } from './contract.ts';

const flanneld = join(import.meta.dirname, '../../node_modules/.bin/flanneld');
const CONFIG = '/coreos.com/network/config';
const SUBNETS = '/coreos.com/network/subnets/';

it('reads --etcd-password-file at each sign-in, and again for SIGHUP', async ({ onTestFailed }) => {
  await using lab = await createLab();
  const commandPrefix = ['ip', 'netns', 'exec', lab.underlay.namespace];
  await using etcd = await startEtcd({ commandPrefix, address: lab.underlayAddress });
  const endpoint = etcd.endpoints[0]!;
  const asRoot = (...args: string[]) =>
    lab.underlay.run(
      'env',
      'ETCDCTL_API=3',
      'etcdctl',
      `--endpoints=${endpoint}`,
      '--user=root:root',
      ...args,
    );
  await etcd.etcdctl('put', CONFIG, '{"Network":"10.5.0.0/16","Backend":{"Type":"alloc"}}');
  await etcd.etcdctl('user', 'add', 'root:root');
  await etcd.etcdctl('user', 'grant-role', 'root', 'root');
  await etcd.etcdctl('auth', 'enable');
  await asRoot('role', 'add', 'flannel');
  await asRoot('role', 'grant-permission', 'flannel', '--prefix=true', 'readwrite', '/coreos.com/network/');
  await asRoot('user', 'add', 'flannel:first');
  await asRoot('user', 'grant-role', 'flannel', 'flannel');

  const host = await lab.addHost();
  const password = join(host.directory, 'password');
  await writeFile(password, 'wrong\n');
  const files = [`--subnet-file=${join(host.directory, 'subnet.env')}`, `--etcd-password-file=${password}`];
  await using daemon = host.start([
    flanneld,
    `--etcd-endpoints=${endpoint}`,
    '--etcd-username=flannel',
    ...files,
  ]);
  onTestFailed(() => console.error(daemon.lines.join('\n')));
  await daemon.line(/etcd refuses us/);
  await writeFile(password, 'first\n');
  daemon.signal('SIGHUP');
  await daemon.line(/"msg":"ready"/);

  await writeFile(password, 'second\n');
  await lab.underlay.run(
    'sh',
    '-c',
    `echo second | ETCDCTL_API=3 etcdctl --endpoints=${endpoint} --user=root:root user passwd flannel --interactive=false`,
  );
  daemon.signal('SIGHUP');
  await asRoot('del', '--prefix', SUBNETS);
  // It sees that, and takes the lease again.
  await eventually(
    () => asRoot('get', '--prefix', SUBNETS, '--keys-only'),
    (keys) => keys.includes(SUBNETS),
  );
  expect(daemon.running).toBe(true);
});
