import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bootHost, createCluster, run, type BootedHost, type Cluster, type Host } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, storedLeases } from './contract.ts';

const WORKSPACE = join(import.meta.dirname, '../..');
const BUILD = ['node', join(WORKSPACE, 'packaging/build-deb.ts')];
const CONFIG = '/coreos.com/network/config';
const DEFAULT_FILE = '/etc/default/flanneld';

/** The steps of an operator, in order, on one host with systemd as process 1. */
describe('the Debian package', { timeout: 120_000 }, () => {
  let cluster: Cluster;
  let lan: Host;
  let host: BootedHost;
  let debs: string;
  let before: Set<string>;

  beforeAll(async () => {
    cluster = await createCluster({ backend: { Type: 'vxlan' } });
    lan = await cluster.lab.addHost();
    debs = await mkdtemp(join(lan.directory, 'debs-'));
    host = await bootHost(lan, debs);
    // A workspace below /tmp is out of sight already.
    await host.run('sh', '-c', '[ ! -d "$1" ] || mount -t tmpfs tmpfs "$1"', 'hide', WORKSPACE);
    before = await installedFiles();
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  it('is the same bytes when it is built twice', async () => {
    const [first, second] = [await buildDeb('1.0.0'), await buildDeb('1.0.0', 'again')];
    expect((await readFile(first)).equals(await readFile(second))).toBe(true);
  });

  it('installs, enabled and not started', async () => {
    const output = await host.run('dpkg', '--install', '/mnt/flanneld_1.0.0_amd64.deb');
    expect(output).toContain('set FLANNEL_ETCD_ENDPOINTS in /etc/default/flanneld');
    expect(await property('UnitFileState')).toBe('enabled');
    expect(await property('ActiveState')).toBe('inactive');
    // Every file has its checksum, and the one on disk.
    expect(await host.run('dpkg', '--verify', 'flanneld')).toBe('');
    expect(await host.run('cat', '/var/lib/dpkg/info/flanneld.md5sums')).toContain(
      'usr/lib/flannel/bin/node\n',
    );
  });

  it('starts from a compile cache that the installation filled', async () => {
    // Nothing else has run the daemon yet.
    const script = 'exec 2>&1; NODE_DEBUG_NATIVE=COMPILE_CACHE exec flanneld --help';
    const output = await host.run('sh', '-c', script);
    expect(output).toMatch(/bin\/main-\S+\.js was accepted/);
    // Of what the installation itself did not use.
    expect(output).toMatch(/bin\/help-\S+\.js was accepted/);
  });

  it('runs without the workspace', async () => {
    expect(await host.run('flanneld', '--version')).toMatch(/^flanneld \d+\.\d+\.\d+/);
    expect(await host.run('flanneld', '--help')).toContain('--etcd-endpoints');
    const help = await host.run('sh', '-c', 'mk-docker-opts -h 2>&1; [ $? = 1 ]');
    expect(help).toContain('mk-docker-opts [-f FLANNEL-ENV-FILE]');
  });

  it('has man pages without a fault that name every flag', async () => {
    const pages = ['/tmp/flanneld.8', '/tmp/mk-docker-opts.1'];
    await host.run(
      'cp',
      '/usr/share/man/man8/flanneld.8.gz',
      '/usr/share/man/man1/mk-docker-opts.1.gz',
      '/tmp',
    );
    await host.run('gunzip', ...pages);
    expect(await host.run('mandoc', '-T', 'lint', '-W', 'warning', ...pages)).toBe('');
    const page = await host.run('mandoc', '-T', 'ascii', '-O', 'width=200', pages[0]!);
    const text = page.replaceAll(/.\x08/g, '');
    const flags = (await host.run('flanneld', '--help')).matchAll(/^ +(--?[a-z][\w-]*) /gm);
    const names = [...flags].map(([, flag]) => flag!.replace(/^-+/, '')).filter((name) => name !== 'version');
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !text.includes(`--${name}`))).toEqual([]);
  });

  it('has a unit without a fault, and little exposed', async () => {
    expect(await host.run('systemd-analyze', 'verify', 'flanneld.service', 'docker.service')).toBe('');
    await host.run('systemd-analyze', 'security', '--no-pager', '--threshold=26', 'flanneld.service');
  });

  it('is ready when the lease is held, the data path is up and the files are written', async () => {
    await cluster.etcd.etcdctl('del', CONFIG);
    await appendDefaults(
      `FLANNEL_ETCD_ENDPOINTS="${cluster.endpoint}"`,
      'FLANNEL_OPTIONS="--healthz-port=8471 --ip-masq"',
      'FLANNELD_HEALTHZ_IP=127.0.0.1',
    );
    await host.run('systemctl', 'start', '--no-block', 'flanneld');
    await eventually(journal, (text) => text.includes('there is no network config yet'));
    expect(await property('ActiveState')).toBe('activating');
    await configure('vxlan');
    await host.run('systemctl', 'start', 'flanneld');
    expect(await property('ActiveState')).toBe('active');
    const [lease] = await storedLeases(cluster);
    const [network, length] = lease!.key.split('-') as [string, string];
    const bip = `${network.replace(/0$/, '1')}/${length}`;
    expect(await host.run('cat', '/run/flannel/subnet.env')).toContain(`FLANNEL_SUBNET=${bip}\n`);
    expect(await host.run('cat', '/run/flannel/docker')).toContain(
      `DOCKER_NETWORK_OPTIONS=" --bip=${bip} --ip-masq=false --mtu=1450"`,
    );
    expect(await lan.run('ip', '-brief', 'address', 'show', 'flannel.1')).toContain(`${network}/32`);
  });

  it('may do its work behind all restrictions of the unit', async () => {
    expect(await lan.run('ss', '--listening', '--tcp', '--numeric')).toContain('127.0.0.1:8471');
    expect(await lan.run('iptables', '--table=nat', '--list-rules')).toContain('flanneld masq');
    await configure('vxlan', { EnableNFTables: true });
    await host.run('systemctl', 'restart', 'flanneld');
    expect(await lan.run('nft', 'list', 'tables')).toContain('table ip flannel-ipv4');
    await configure('udp');
    await host.run('systemctl', 'restart', 'flanneld');
    expect(await lan.run('ip', '-brief', 'link', 'show', 'flannel0')).toContain('flannel0');
    const { answer } = await eventually(journal, (text) => text.includes('"msg":"fast path: '));
    expect(answer.match(/"level":"(warn|error|fatal)".*/g) ?? []).toEqual([
      expect.stringContaining('there is no network config yet'),
    ]);
  });

  it('comes back after a crash, and not after a wrong setting', async () => {
    const pid = await property('MainPID');
    // A program that it starts has its command line for a moment.
    await expect.poll(() => host.run('pgrep', '--full', '/usr/lib/flannel/bin/node')).toBe(`${pid}\n`);
    await host.run('kill', '-KILL', pid);
    const { answer } = await eventually(
      () => Promise.all([property('MainPID'), property('ActiveState')]),
      ([now, state]) => now !== pid && now !== '0' && state === 'active',
    );
    expect(answer).toEqual([expect.stringMatching(/^[1-9]\d*$/), 'active']);
    await appendDefaults('FLANNELD_HEALTHZ_PORT=many', 'FLANNEL_OPTIONS=');
    await expect(host.run('systemctl', 'restart', 'flanneld')).rejects.toThrow(
      'Job for flanneld.service failed',
    );
    expect([await property('ActiveState'), await property('ExecMainStatus')]).toEqual(['failed', '2']);
    await appendDefaults('FLANNELD_HEALTHZ_PORT=');
  });

  it('reports to systemd what is failing, a reload and its end', async () => {
    await host.run('systemctl', 'restart', 'flanneld');
    await cluster.etcd.kill();
    await eventually(
      () => property('StatusText'),
      (text) => text.startsWith('registry failing: etcd is unavailable'),
    );
    await cluster.etcd.restart();
    await eventually(
      () => property('StatusText'),
      (text) => text === '',
    );
    await host.run('systemctl', 'reload', 'flanneld');
    await eventually(journal, (text) => text.includes('certificates and passwords are read again'));
    await host.run('systemctl', 'stop', 'flanneld');
    expect([await property('ActiveState'), await property('Result')]).toEqual(['inactive', 'success']);
    expect(await property('ExecMainStatus')).toBe('0');
  });

  it('is ended and started again when it hangs', async () => {
    const dropIn = '/run/systemd/system/flanneld.service.d/watchdog.conf';
    const write =
      'mkdir -p "${1%/*}" && printf "[Service]\\nWatchdogSec=1\\n" > "$1" && systemctl daemon-reload';
    await host.run('sh', '-c', write, 'write', dropIn);
    await host.run('systemctl', 'start', 'flanneld');
    const pid = await property('MainPID');
    await host.run('kill', '-STOP', pid);
    await eventually(
      () => Promise.all([property('MainPID'), property('ActiveState')]),
      ([now, state]) => now !== pid && now !== '0' && state === 'active',
    );
    expect(await host.run('journalctl', '--unit=flanneld', '--no-pager')).toContain('Watchdog timeout');
    await host.run(
      'sh',
      '-c',
      'rm "$1" && systemctl daemon-reload && systemctl restart flanneld',
      'remove',
      dropIn,
    );
  });

  it('gives Docker the leased subnet, before it starts', async () => {
    await host.run('systemctl', 'start', 'docker');
    expect(await property('ActiveState')).toBe('active');
    const { FLANNEL_SUBNET } = await subnetEnv();
    expect(await lan.run('ip', '-brief', 'address', 'show', 'docker0')).toContain(` ${FLANNEL_SUBNET!} `);
    await host.run('systemctl', 'stop', 'docker.service', 'docker.socket', 'containerd');
  });

  it('reads files of settings as systemd does', async () => {
    const lines = [
      `FLANNEL_X1=a#b "c" # d`,
      `FLANNEL_X2="a \\"b\\" \\n $HOME"`,
      `  FLANNEL_X3 = 'a'"b"c  `,
      '#FLANNEL_X4=a',
    ];
    await appendDefaults(...lines, 'FLANNEL_X5=a \\', '  b', ';FLANNEL_X6=a');
    const setting = '/usr/lib/flannel/bin/node /usr/lib/flannel/bin/setting.js';
    const script = `for n in 1 2 3 4 5 6; do value=$(${setting} FLANNEL_X$n); [ -z "$value" ] || printf "%s\\n" "FLANNEL_X$n=$value"; done`;
    const ours = await host.run('sh', '-c', script);
    const unit = [
      '[Service]',
      'Type=oneshot',
      `EnvironmentFile=${DEFAULT_FILE}`,
      'StandardOutput=file:/tmp/settings',
      'ExecStart=/usr/bin/env',
    ];
    await host.run('sh', '-c', 'printf "%s\\n" "$@" > /run/systemd/system/env.service', 'write', ...unit);
    await host.run('systemctl', 'start', 'env');
    expect(ours).toBe(await host.run('sh', '-c', 'grep FLANNEL_X /tmp/settings | sort'));
    expect(ours.match(/^FLANNEL_X[1-6]/gm)).toEqual(['FLANNEL_X1', 'FLANNEL_X2', 'FLANNEL_X3', 'FLANNEL_X5']);
    const files = (await host.run('systemctl', 'cat', 'flanneld')).match(/(?<=^EnvironmentFile=-).+/gm);
    expect(files).toEqual(['/etc/sysconfig/flanneld', DEFAULT_FILE]);
  });

  it('reads a key of another owner', async () => {
    const [key, certificate] = ['/etc/ssl/key.pem', '/etc/ssl/certificate.pem'];
    await host.run(
      'sh',
      '-c',
      'echo nothing | tee "$@" && chown nobody "$@" && chmod 600 "$@"',
      'keys',
      key,
      certificate,
    );
    const files = [`FLANNELD_ETCD_KEYFILE=${key}`, `FLANNELD_ETCD_CERTFILE=${certificate}`];
    await appendDefaults('FLANNEL_ETCD_ENDPOINTS="https://127.0.0.1:1"', ...files);
    await host.run('systemctl', 'restart', '--no-block', 'flanneld');
    const { answer } = await eventually(journal, (text) => text.includes('https://127.0.0.1:1: '));
    expect(answer).toMatch(/https:\/\/127\.0\.0\.1:1: .*PEM/);
    const settings = [
      `FLANNEL_ETCD_ENDPOINTS="${cluster.endpoint}"`,
      'FLANNELD_ETCD_KEYFILE=',
      'FLANNELD_ETCD_CERTFILE=',
    ];
    await appendDefaults(...settings);
    await host.run('systemctl', 'restart', 'flanneld');
    await host.run('rm', key, certificate);
  });

  it('starts again after a removal that another package stopped', async () => {
    const script = '/var/lib/dpkg/info/flanneld.postinst';
    await host.run('systemctl', 'stop', 'flanneld');
    await host.run(script, 'abort-remove');
    await eventually(
      () => property('ActiveState'),
      (state) => state === 'active',
    );
    await expect(host.run(script, 'no-such-argument')).rejects.toThrow('unknown argument: no-such-argument');
  });

  it('is upgraded under the running network, and keeps the settings', async () => {
    await buildDeb('1.1.0');
    const lease = await storedLeases(cluster);
    const pid = await property('MainPID');
    await host.run('dpkg', '--install', '/mnt/flanneld_1.1.0_amd64.deb');
    // A start joins the restart that the upgrade has asked for.
    await host.run('systemctl', 'start', 'flanneld');
    expect(await property('MainPID')).not.toBe(pid);
    expect(await host.run('cat', DEFAULT_FILE)).toContain(cluster.endpoint);
    expect(await storedLeases(cluster)).toEqual(lease);
  });

  it('leaves the network and the settings when it is removed, and says how they go', async () => {
    expect(await lan.run('nft', 'list', 'tables')).toContain('flannel-guard');
    const output = await host.run('dpkg', '--remove', 'flanneld');
    expect(output).toContain('"flanneld cleanup" removes them');
    // Without a daemon, it would refuse hosts that come later.
    expect(await lan.run('nft', 'list', 'tables')).not.toContain('flannel-guard');
    await expect(host.run('pgrep', '--full', '/usr/lib/flannel/bin/node')).rejects.toThrow('exit code 1');
    expect(await lan.run('ip', '-brief', 'link', 'show', 'flannel0')).toContain('flannel0');
    expect(await journal()).toContain('"msg":"fast path: ');
    expect(await host.run('cat', DEFAULT_FILE)).toContain(cluster.endpoint);
    await expect(host.run('ls', '/usr/lib/flannel', '/usr/bin/flanneld')).rejects.toThrow('No such file');
  });

  it('runs the cleanup when it is removed, if that is set', async () => {
    await host.run('dpkg', '--install', '/mnt/flanneld_1.1.0_amd64.deb');
    const script =
      'mkdir -p /etc/sysconfig && echo \'FLANNEL_CLEANUP_ON_REMOVE="yes"\' > /etc/sysconfig/flanneld';
    await host.run('sh', '-c', script);
    // The command finds etcd by the unit's settings.
    expect(await host.run('flanneld', 'cleanup', '--lease')).toMatch(/lease 10\.5\.\d+\.0-24: deleted/);
    expect(await storedLeases(cluster)).toEqual([]);
    await host.run('dpkg', '--remove', 'flanneld');
    await host.run('rm', '-r', '/etc/sysconfig');
    await expect(lan.run('ip', 'link', 'show', 'flannel0')).rejects.toThrow('does not exist');
    expect(await lan.run('iptables', '--table=nat', '--list-rules')).not.toContain('flanneld');
  });

  it('leaves nothing when it is purged', async () => {
    await host.run('touch', '/run/flannel/of-another-program');
    await host.run('dpkg', '--purge', 'flanneld');
    const after = await installedFiles();
    expect([...after].filter((file) => !before.has(file))).toEqual([]);
    expect([...before].filter((file) => !after.has(file))).toEqual([]);
    expect(await host.run('ls', '/run/flannel')).toBe('of-another-program\n');
  });

  async function buildDeb(version: string, directory = '.'): Promise<string> {
    const output = await run([...BUILD, `--version=${version}`, `--out=${join(debs, directory)}`]);
    return output.trim();
  }

  /** Every file in places where a package puts some, but for those that others keep there. */
  async function installedFiles(): Promise<Set<string>> {
    const places = ['/etc', '/usr/bin', '/usr/lib', '/usr/share/doc', '/usr/share/man'];
    const states = ['/var/lib/dpkg/info', '/var/lib/systemd/deb-systemd-helper-enabled'];
    const files = (await host.run('find', ...places, ...states, '-maxdepth', '4')).split('\n');
    return new Set(files.filter((file) => !/^\/etc\/(docker|cni)\b/.test(file)));
  }

  async function configure(type: string, more: object = {}): Promise<void> {
    const config = { Network: '10.5.0.0/16', Backend: { Type: type }, ...more };
    await cluster.etcd.etcdctl('put', CONFIG, JSON.stringify(config));
  }

  async function appendDefaults(...lines: string[]): Promise<void> {
    await host.run('sh', '-c', 'printf "%s\\n" "$@" >> /etc/default/flanneld', 'append', ...lines);
  }

  async function property(name: string): Promise<string> {
    return (await host.run('systemctl', 'show', '--value', `--property=${name}`, 'flanneld')).trim();
  }

  async function subnetEnv(): Promise<Record<string, string>> {
    const lines = (await host.run('cat', '/run/flannel/subnet.env')).trim().split('\n');
    return Object.fromEntries(lines.map((line) => line.split('='))) as Record<string, string>;
  }

  function journal(): Promise<string> {
    return host.run('journalctl', '--unit=flanneld', '--output=cat', '--no-pager');
  }
});
