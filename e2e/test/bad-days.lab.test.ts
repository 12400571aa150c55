import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { createLab, startEtcd, type Etcd, type Host, type Lab, type RunningProcess } from '@flannel-ts/lab';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from './contract.ts';

const flanneld = join(import.meta.dirname, '../../node_modules/.bin/flanneld');
const CONFIG = '/coreos.com/network/config';
const SUBNETS = '/coreos.com/network/subnets/';
const READYZ = 'http://127.0.0.1:8471/readyz';

/** One host, and what goes wrong on it or in its etcd. */
describe('a daemon on a bad day', () => {
  const stack = new AsyncDisposableStack();
  let lab: Lab;
  let host: Host;
  let etcd: Etcd;
  let daemon: RunningProcess;

  beforeAll(async () => {
    lab = stack.use(await createLab());
    host = await lab.addHost();
    const commandPrefix = ['ip', 'netns', 'exec', lab.underlay.namespace];
    etcd = stack.use(await startEtcd({ commandPrefix, address: lab.underlayAddress }));
  });
  afterAll(() => stack.disposeAsync());
  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => console.error(daemon.lines.join('\n')));
    return configure({ Type: 'vxlan' });
  });
  afterEach(() => daemon.stop());

  const file = (name: string) => join(host.directory, name);
  const configure = (backend: object) =>
    etcd.etcdctl('put', CONFIG, JSON.stringify({ Network: '10.5.0.0/16', Backend: backend }));
  const start = (...flags: string[]) => {
    const common = [`--etcd-endpoints=${etcd.endpoints[0]!}`, '--etcd-api=v3', '-v=2'];
    const files = [`--subnet-file=${file('subnet.env')}`, '--healthz-ip=127.0.0.1', '--healthz-port=8471'];
    daemon = host.start([flanneld, ...common, ...files, ...flags]);
  };
  const ready = () => daemon.line(/"msg":"ready"/);
  const readyz = () => host.run('curl', '--silent', '--write-out', '%{http_code}', READYZ);
  /** All that is under `subnets/`, by etcd's own tool. */
  const leases = async () =>
    (await etcd.etcdctl('get', '--prefix', SUBNETS, '--keys-only')).match(/\S+/g) ?? [];

  it('opens no debugger for SIGUSR1, neither while it waits nor while it is being loaded', async () => {
    await etcd.etcdctl('del', CONFIG);
    start();
    await daemon.line(/there is no network config yet/);
    daemon.signal('SIGUSR1');
    await daemon.line(/no counters yet/);
    expect(await host.run('ss', '--listening', '--tcp', '--numeric')).not.toContain(':9229');
    await daemon.stop();
    for (let round = 0; round < 10; round++) {
      daemon = host.start([flanneld, '--version']);
      await new Promise((resolve) => setTimeout(resolve, 5 * round));
      daemon.signal('SIGUSR1');
      await daemon.exited;
      expect(daemon.lines.join('\n')).not.toContain('Debugger listening');
    }
  });

  it('lives on when SIGHUP comes while it is being loaded', async () => {
    start();
    // From then on the program decides about signals, and not the kernel.
    while (!(await catches(daemon.pid, constants.signals.SIGUSR1)));
    daemon.signal('SIGHUP');
    await ready();
  });

  it.each([['--docker-opts-file'], ['--subnet-file']])(
    'waits until the file of %s can be written',
    async (flag) => {
      await writeFile(file('run'), 'not a directory');
      start(`${flag}=${file('run/file')}`);
      expect(await daemon.line(/make it writable/)).toContain('"part":"files"');
      expect(await readyz()).toMatch(/^starting\n(.*\n)*files failing since .*make it writable(.*\n)*503$/);
      // The data path is there all the same.
      await eventually(leases, (keys) => keys.length === 1);
      await eventually(
        () => host.run('ip', '-4', '-brief', 'address', 'show', 'dev', 'flannel.1'),
        (text) => text.includes('/32'),
      );
      await rm(file('run'));
      await mkdir(file('run'));
      await ready();
      expect(await readFile(file('run/file'), 'utf8')).toContain('10.5.');
      await rm(file('run'), { recursive: true });
    },
  );

  it('writes its files again when they are deleted', async () => {
    start(`--docker-opts-file=${file('docker')}`);
    await ready();
    const files = [file('subnet.env'), file('docker')];
    const texts = await Promise.all(files.map((path) => readFile(path, 'utf8')));
    await Promise.all(files.map((path) => rm(path)));
    await daemon.line(/docker","msg":"the file was missing or changed; written again"/);
    expect(await Promise.all(files.map((path) => readFile(path, 'utf8')))).toEqual(texts);
  });

  it('follows its other peers when one has published 10,000 nested objects', async () => {
    const nested = '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000);
    await etcd.etcdctl('put', `${SUBNETS}10.5.66.0-24`, peer(66, nested));
    await etcd.etcdctl('put', `${SUBNETS}10.5.67.0-24`, peer(67));
    start();
    await ready();
    await etcd.etcdctl('put', `${SUBNETS}10.5.68.0-24`, peer(68));
    await daemon.line(/"put":\[[^\]]*"10\.5\.68\.0-24@.*"leases followed"/);
    const routes = await host.run('ip', 'route');
    expect(routes).toContain('10.5.67.0/24');
    expect(routes).toContain('10.5.68.0/24');
    expect(routes).not.toContain('10.5.66.0/24');
    expect(await readyz()).toMatch(/peers degraded since .*10\.5\.66\.0-24/);
    for (const octet of [66, 67, 68]) await etcd.etcdctl('del', `${SUBNETS}10.5.${octet}.0-24`);
  });

  it('is not ready while etcd is away, with the reason, and ready when it is back', async () => {
    start();
    await ready();
    expect(await readyz()).toMatch(/^ok\n(\w+ ok since \S+\n)+200$/);
    await etcd.kill();
    await eventually(readyz, (text) =>
      /^failing\n(.*\n)*registry failing since .*etcd is unavailable(.*\n)*503$/.test(text),
    );
    await etcd.restart();
    await eventually(readyz, (text) => /^ok\n(\w+ ok since \S+\n)+200$/.test(text));
    // A trouble is said in one line, without a stack.
    const said = daemon.lines.filter(
      (line) => line.includes('"part":"registry"') && line.includes('"level":"error"'),
    );
    expect(said.join('\n')).not.toContain('    at ');
  });

  it('says so when a daemon of another network uses its device', async () => {
    start();
    await ready();
    await etcd.etcdctl('put', '/other/config', '{"Network":"10.6.0.0/16","Backend":{"Type":"vxlan"}}');
    const flags = ['--etcd-prefix=/other', `--subnet-file=${file('other.env')}`];
    await using _other = host.start([flanneld, `--etcd-endpoints=${etcd.endpoints[0]!}`, ...flags]);
    await eventually(readyz, (text) => /^backend degraded since .*keeps changing .*address 10\./m.test(text));
  });

  it('keeps its lease for as long as --subnet-lease-ttl says, and releases it with --release-lease-on-exit', async () => {
    await etcd.etcdctl('del', '--prefix', SUBNETS);
    start('--subnet-lease-ttl=90s', '--release-lease-on-exit');
    await ready();
    const ids = (await etcd.etcdctl('lease', 'list')).match(/^[0-9a-f]+$/gm) ?? [];
    const lifetimes = ids.map((id) => etcd.etcdctl('lease', 'timetolive', '--keys', id));
    const ours = (await Promise.all(lifetimes)).filter((text) => text.includes(SUBNETS));
    expect(ours).toEqual([expect.stringContaining('granted with TTL(90s)')]);
    expect(await daemon.stop()).toBe(0);
    expect(await leases()).toEqual([]);
  });

  it('ends with exit code 1 within a second of a failure that waiting does not repair', async () => {
    const listen =
      "require('node:net').createServer().listen(8471, '127.0.0.1', () => console.log('listening'))";
    await using other = host.start(['node', '--eval', listen]);
    await other.line(/listening/);
    start();
    expect(await daemon.exited).toBe(1);
    expect(daemon.lines.at(-1)).toContain('EADDRINUSE');
  });
});

/** Whether a process has a handler for a signal, proc_pid_status(5). */
async function catches(pid: number, signal: number): Promise<boolean> {
  const [, mask] = /^SigCgt:\t(\w+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return ((BigInt(`0x${mask ?? '0'}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

/** A lease's value. */
function peer(octet: number, data = `{"VNI":1,"VtepMAC":"02:00:00:00:00:${octet}"}`): string {
  return `{"PublicIP":"192.168.77.${octet}","BackendType":"vxlan","BackendData":${data}}`;
}
