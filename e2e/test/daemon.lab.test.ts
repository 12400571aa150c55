import { join } from 'node:path';
import { createLab, startEtcd, type Etcd, type Host, type Lab } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fastest, millisecondsToEnd } from './contract.ts';

const flanneld = join(import.meta.dirname, '../../node_modules/.bin/flanneld');
const CONFIG = '/coreos.com/network/config';
const ALLOC = '{"Network":"10.5.0.0/16","Backend":{"Type":"alloc"}}';

describe('a daemon that has to wait', () => {
  const stack = new AsyncDisposableStack();
  let lab: Lab;
  let host: Host;
  let etcd: Etcd;

  beforeAll(async () => {
    lab = stack.use(await createLab());
    host = await lab.addHost();
    const commandPrefix = ['ip', 'netns', 'exec', lab.underlay.namespace];
    etcd = stack.use(await startEtcd({ commandPrefix, address: lab.underlayAddress, enableV2: true }));
  });
  afterAll(() => stack.disposeAsync());

  const start = (...flags: string[]) => {
    const files = [`--subnet-file=${join(host.directory, 'subnet.env')}`];
    return host.start([flanneld, `--etcd-endpoints=${etcd.endpoints[0]!}`, ...files, ...flags]);
  };

  it('says that etcd is down, goes on when it is back, and says what config it wants', async () => {
    await etcd.kill();
    await using daemon = start('--etcd-api=v3');
    const down = await daemon.line(/etcd is unavailable/);
    expect(down).toContain(etcd.endpoints[0]);
    expect(down).toContain('"part":"registry"');
    await etcd.restart();
    expect(await daemon.line(/there is no network config yet/)).toContain(`etcdctl put ${CONFIG}`);

    await etcd.etcdctl('put', CONFIG, '{"Network":"10.5.0.0/16","SubnetLen":31}');
    await daemon.line(/the network config is invalid: SubnetLen must be less than \/31/);
    await etcd.etcdctl('put', CONFIG, ALLOC);
    await daemon.line(/"msg":"ready"/);
    // Another reason, such as an etcd that listens and does not answer yet, has a line of its own.
    const outage = daemon.lines.filter((line) => line.includes('etcd is unavailable'));
    const reasons = outage.map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(reasons).toEqual([...new Set(reasons)]);
  });

  it('looks for the config in both APIs of etcd and says which one it takes', async () => {
    await etcd.etcdctl('del', CONFIG);
    await using daemon = start();
    await daemon.line(/there is no network config yet/);
    await etcd.etcdctlV2('set', CONFIG, ALLOC);
    await daemon.line(/"msg":"ready"/);
    expect(daemon.lines.some((line) => line.includes('v2'))).toBe(true);
    expect(await etcd.etcdctlV2('ls', '/coreos.com/network/subnets')).toMatch(/10\.5\.\d+\.0-24/);
  });

  it('waits for an interface, then for its address, and reports which on /readyz', async () => {
    await etcd.etcdctl('put', CONFIG, ALLOC);
    await using daemon = start('--iface=bond0', '--healthz-ip=127.0.0.1', '--healthz-port=8471');
    await daemon.line(/no interface matches -iface bond0; there are /);
    const readyz = await host.run('curl', '--silent', 'http://127.0.0.1:8471/readyz');
    expect(readyz).toMatch(/^starting\nunderlay failing since \S+: no interface matches -iface bond0/);
    await host.run('ip', 'link', 'add', 'bond0', 'up', 'type', 'bridge');
    await daemon.line(/interface bond0 has no global IPv4 address/);
    await host.run('ip', 'address', 'add', '192.0.2.7/24', 'dev', 'bond0');
    expect(await daemon.line(/"msg":"underlay interface"/)).toContain('"publicIp":"192.0.2.7"');
    await daemon.line(/"msg":"ready"/);
  });

  it('waits for a default route', async () => {
    const route = (await host.run('ip', 'route', 'show', 'default')).trim().split(' ');
    await host.run('ip', 'route', 'delete', ...route);
    await using daemon = start();
    await daemon.line(/the default route leads to no interface/);
    await host.run('ip', 'route', 'add', ...route);
    await daemon.line(/"msg":"ready"/);
  });

  it('warns at start that the underlay lies inside Network, and is not ready where a lease could take it', async () => {
    const readyz = () => host.run('curl', '--silent', 'http://127.0.0.1:8471/readyz');
    const config = { Network: '192.168.0.0/16', Backend: { Type: 'alloc' } };
    await etcd.etcdctl('put', CONFIG, JSON.stringify({ ...config, SubnetMin: '192.168.100.0' }));
    await using daemon = start('--healthz-port=8471');
    const warning = await daemon.line(/Network must be apart from 192\.168\.77\.0\/24/);
    expect(warning).toContain('"level":"warn"');
    await daemon.line(/"msg":"ready"/);
    expect(await readyz()).toMatch(/^ok\nunderlay degraded since /);
    await daemon.stop();

    await etcd.etcdctl('put', CONFIG, JSON.stringify(config));
    await using second = start('--healthz-port=8471');
    await second.line(/"msg":"ready"/);
    expect(await readyz()).toMatch(/^failing\nunderlay failing since .*a host may lease a subnet of it/);
  });

  it('ends with exit code 0 when it is told to while it waits', async () => {
    const ended = await fastest(1_000, async () => {
      const daemon = start('--etcd-prefix=/nothing/here');
      await daemon.line(/there is no network config yet/);
      return millisecondsToEnd(daemon);
    });
    expect(ended).toBeLessThan(1_000);
  });
});

describe('a command line', () => {
  const stack = new AsyncDisposableStack();
  let host: Host;
  beforeAll(async () => {
    host = await stack.use(await createLab()).addHost();
  });
  afterAll(() => stack.disposeAsync());

  it.each([
    [['--etcd-endpoint=x'], 2, 'did you mean -etcd-endpoints?'],
    [['--kube-subnet-mgr'], 2, 'not supported yet'],
    [['--iface-regex=eth['], 2, '-iface-regex must be a regular expression'],
    [['--etcd-endpoints=127.0.0.1:2379'], 2, '-etcd-endpoints has "127.0.0.1:2379"; want URLs such as'],
    [['--etcd-prefix='], 2, '-etcd-prefix'],
    [['etcd-migrate', '--etcd-certfile=/c.pem'], 2, '-etcd-certfile needs etcd-keyfile'],
    [['--version'], 0, 'flanneld 0.1.0'],
  ])('%j ends with exit code %i', async (flags, code, text) => {
    const daemon = host.start([flanneld, ...flags]);
    expect(await daemon.exited).toBe(code);
    expect(daemon.lines.join('\n')).toContain(text);
  });
});
