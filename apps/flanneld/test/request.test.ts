import { describe, expect, it } from 'vitest';
import { flags } from '../src/flags.ts';
import { ignoredFlags } from '../src/ignored-flags.ts';
import { readRequest, type Settings } from '../src/request.ts';

async function settings(args: string[], environment: NodeJS.ProcessEnv = {}): Promise<Settings> {
  const request = await readRequest(args, environment);
  if (request.kind !== 'run') throw new Error(`asks for ${request.kind}`);
  return request.settings;
}

describe('spellings of Go', () => {
  it.each([
    [['-etcd-prefix', '/a']],
    [['-etcd-prefix=/a']],
    [['--etcd-prefix', '/a']],
    [['--etcd-prefix=/a']],
    [['-etcd-prefix=/b', '--etcd-prefix=/a']],
  ])('%j', async (args) => {
    expect((await settings(args))['etcd-prefix']).toBe('/a');
  });

  it.each(['true', 'T', '1', 'TRUE', 'false', 'F', '0', 'False'])('reads a switch with =%s', async (text) => {
    const on = ['true', 'T', '1', 'TRUE'].includes(text);
    expect((await settings([`-ip-masq=${text}`]))['ip-masq']).toBe(on);
  });

  it('repeats -iface and -iface-regex', async () => {
    const { iface, 'iface-regex': regex } = await settings([
      '-iface=eth0',
      '--iface',
      '10.0.0.1',
      '-iface-regex',
      '^10\\.',
    ]);
    expect({ iface, regex }).toEqual({ iface: ['eth0', '10.0.0.1'], regex: ['^10\\.'] });
  });

  it('splits endpoints at commas', async () => {
    expect((await settings(['-etcd-endpoints', 'http://a:1, http://b:2']))['etcd-endpoints']).toEqual([
      'http://a:1',
      'http://b:2',
    ]);
  });
});

describe('defaults and environment', () => {
  it('has the defaults of the contract', async () => {
    expect(await settings([])).toMatchObject({
      'etcd-endpoints': ['http://127.0.0.1:4001', 'http://127.0.0.1:2379'],
      'etcd-prefix': '/coreos.com/network',
      'subnet-file': '/run/flannel/subnet.env',
      'subnet-lease-ttl': 24 * 60 * 60 * 1000,
      'subnet-lease-renew-margin': 60,
      'release-lease-on-exit': false,
      'healthz-port': 0,
      'ip-masq': false,
      'ip-masq-fully-random-disable': false,
      'iptables-forward-rules': true,
      'iptables-resync': 5,
      'public-ip': undefined,
      'etcd-api': 'auto',
      'udp-accept': 'peers',
      'docker-opts-file': '',
      'docker-opts-key': 'DOCKER_OPTS',
    });
  });

  it('reads every flag from FLANNELD_…', async () => {
    const environment = {
      FLANNELD_ETCD_PREFIX: '/e',
      FLANNELD_IFACE: 'eth1',
      FLANNELD_PUBLIC_IP: '192.0.2.1',
      FLANNELD_ETCD_CAFILE: '',
    };
    const read = await settings([], environment);
    expect(read['etcd-prefix']).toBe('/e');
    expect(read.iface).toEqual(['eth1']);
    expect(read['public-ip']?.toString()).toBe('192.0.2.1');
  });

  it('reads the variables of distribution packages after its own', async () => {
    const packaged = { FLANNEL_ETCD_ENDPOINTS: 'http://a:1', FLANNEL_ETCD_PREFIX: '/atomic.io/network' };
    expect(await settings([], packaged)).toMatchObject({
      'etcd-endpoints': ['http://a:1'],
      'etcd-prefix': '/atomic.io/network',
    });
    expect(
      await settings(['-etcd-prefix=/c'], { ...packaged, FLANNELD_ETCD_ENDPOINTS: 'http://b:2' }),
    ).toMatchObject({ 'etcd-endpoints': ['http://b:2'], 'etcd-prefix': '/c' });
  });

  it('reads the variables of early distributions last', async () => {
    const early = { FLANNEL_ETCD: 'http://old:1', FLANNEL_ETCD_KEY: '/old' };
    const packaged = { ...early, FLANNEL_ETCD_ENDPOINTS: 'http://a:1', FLANNEL_ETCD_PREFIX: '/a' };
    const own = { ...packaged, FLANNELD_ETCD_ENDPOINTS: 'http://b:1', FLANNELD_ETCD_PREFIX: '/b' };
    const commandLine = ['-etcd-endpoints=http://c:1', '-etcd-prefix=/c'];
    const read = async (args: string[], environment: NodeJS.ProcessEnv) => {
      const { 'etcd-endpoints': endpoints, 'etcd-prefix': prefix } = await settings(args, environment);
      return [...endpoints, prefix];
    };
    expect(await read([], early)).toEqual(['http://old:1', '/old']);
    expect(await read([], packaged)).toEqual(['http://a:1', '/a']);
    expect(await read([], own)).toEqual(['http://b:1', '/b']);
    expect(await read(commandLine, own)).toEqual(['http://c:1', '/c']);
    expect(await read([], { ...early, FLANNEL_ETCD_PREFIX: '' })).toEqual(['http://old:1', '/old']);
    await expect(settings([], { FLANNEL_ETCD: 'http://a,,' })).rejects.toThrow(
      'FLANNEL_ETCD has an empty item',
    );
  });

  it('has Docker’s socket of this host, whatever host the docker client of the shell talks to', async () => {
    const read = await settings([], { DOCKER_HOST: 'ssh://root@192.0.2.9' });
    expect(read).toMatchObject({ 'docker-host': 'unix:///var/run/docker.sock', 'docker-network': '' });
  });

  it('lets the command line win', async () => {
    expect((await settings(['-etcd-prefix=/c'], { FLANNELD_ETCD_PREFIX: '/e' }))['etcd-prefix']).toBe('/c');
  });

  it('names the variable in an error', async () => {
    await expect(settings([], { FLANNELD_HEALTHZ_PORT: 'x' })).rejects.toThrow(
      'FLANNELD_HEALTHZ_PORT must be a whole number from 0 to 65535, not "x"',
    );
  });
});

describe('flags of upstream’s log libraries', () => {
  const ignored = async (args: string[], environment: NodeJS.ProcessEnv = {}) => {
    const request = await readRequest(args, environment);
    return 'ignored' in request ? request.ignored : request;
  };

  it('are accepted from the command line and the environment, and named once', async () => {
    expect(
      await ignored(['-logtostderr', '--log_dir', '-x', '-log_dir=y', '-v=99'], { FLANNELD_VMODULE: 'a=1' }),
    ).toEqual(['-log_dir', '-logtostderr', 'FLANNELD_VMODULE']);
    expect(await ignored(['-ip-masq'], { FLANNELD_LOG_DIR: '' })).toEqual([]);
  });

  it.each(Object.entries(ignoredFlags))('-%s is a %s', async (name, kind) => {
    const args =
      kind === 'switch'
        ? [`-${name}`, '-etcd-prefix=/a']
        : [`-${name}`, '-etcd-prefix=/b', '-etcd-prefix=/a'];
    expect((await settings(args))['etcd-prefix']).toBe('/a');
    expect(await ignored([`-${name}=false`])).toEqual([`-${name}`]);
  });

  it('are accepted by every command', async () => {
    expect(await ignored(['cleanup', '-alsologtostderr=true'])).toEqual(['-alsologtostderr']);
  });
});

describe('mistakes', () => {
  it.each([
    [['--etcd-endpoint=x'], 'unknown flag -etcd-endpoint; did you mean -etcd-endpoints?'],
    [['--zzzzzz'], 'unknown flag -zzzzzz'],
    [['--no-ip-masq'], 'unknown flag -no-ip-masq; did you mean -ip-masq?'],
    [['-ip-masq', 'false'], 'unexpected argument "false"'],
    [['-ip-masq=maybe'], '-ip-masq must be true or false, not "maybe"'],
    [['-public-ip=010.0.0.1'], '-public-ip must be an IPv4 address, not "010.0.0.1"'],
    [['-public-ip=fc00::1'], '-public-ip must be an IPv4 address, not "fc00::1"'],
    [
      ['-subnet-lease-renew-margin=0'],
      '-subnet-lease-renew-margin must be a whole number from 1 to 1439, not "0"',
    ],
    [['-subnet-lease-renew-margin=1440'], 'from 1 to 1439'],
    [
      ['-subnet-lease-ttl=90'],
      '-subnet-lease-ttl must be a duration such as 24h, from 15s to 8760h, not "90"',
    ],
    [['-subnet-lease-ttl=14s'], 'from 15s to 8760h, not "14s"'],
    [['-etcd-endpoints=http://a,,http://b'], '-etcd-endpoints has an empty item'],
    [['-etcd-api=v4'], '-etcd-api must be one of auto, v3, v2, not "v4"'],
    [['-udp-threads=3'], '-udp-threads must be one of auto, 1, 2, 4, 8, not "3"'],
    [['-udp-tos=copy'], '-udp-tos must be one of zero, inherit, not "copy"'],
    [['-udp-accept', 'all'], '-udp-accept must be one of peers, any, not "all"'],
    [['-docker-opts-key=A B'], '-docker-opts-key must be the name of a shell variable, not "A B"'],
    [
      ['-docker-network=-x'],
      '-docker-network must be a name of letters, digits, _, . and -, and not bridge, default, host or none, not "-x"',
    ],
    [
      ['-docker-network=host'],
      '-docker-network must be a name of letters, digits, _, . and -, and not bridge, default, host or none, not "host"',
    ],
    [['-docker-host=tcp://10.0.0.1:2376'], '-docker-host must be unix:///PATH, not "tcp://10.0.0.1:2376"'],
    [['clean'], 'unknown command "clean"; did you mean cleanup?'],
    [['cleanup', '-apply'], 'unknown flag -apply'],
    [['etcd-migrate', '-iface=eth0'], 'unknown flag -iface'],
    [['-etcd-prefix'], '-etcd-prefix must have a value'],
    [['-log-dir=x'], 'unknown flag -log-dir; did you mean -log_dir?'],
    [['-iface', 'eth0', 'cleanup'], 'unexpected argument "cleanup"'],
    [['-listen=:8080'], '-listen went with flannel 0.8'],
    [
      ['-kube-subnet-mgr'],
      '-kube-subnet-mgr cannot be used: the Kubernetes subnet manager is not supported yet',
    ],
    [['-kube-api-url=http://x'], 'not supported yet'],
  ])('%j', async (args, message) => {
    await expect(settings(args)).rejects.toThrow(message);
  });

  it('accepts a missing feature that is switched off', async () => {
    expect((await settings(['-kube-subnet-mgr=false']))['kube-subnet-mgr']).toBe(false);
  });
});

it.each([['--help'], ['-h'], ['-help']])('%s shows every flag, in groups', async (flag) => {
  const request = await readRequest([flag], {});
  if (request.kind !== 'help') throw new Error('no help');
  for (const name of Object.keys(flags)) expect(request.text).toContain(`--${name}`.replace(/^--v$/, '-v'));
  expect(request.text).toContain('etcd:');
});

it('--version', async () => {
  expect(await readRequest(['-version'], {})).toEqual({ kind: 'version' });
});

it('reads the flags of the other commands', async () => {
  expect(await readRequest(['cleanup', '-lease'], {})).toMatchObject({
    kind: 'cleanup',
    settings: { lease: true, 'subnet-file': '/run/flannel/subnet.env' },
  });
  expect(await readRequest(['etcd-migrate'], { FLANNELD_ETCD_PREFIX: '/a' })).toMatchObject({
    kind: 'etcd-migrate',
    settings: { apply: false, 'etcd-prefix': '/a' },
  });
});

it.each(['cleanup', 'etcd-migrate'])('%s --help explains that command', async (command) => {
  const request = await readRequest([command, '--help'], {});
  expect(request).toMatchObject({
    kind: 'help',
    text: expect.stringContaining(`flanneld ${command} [flags]`) as string,
  });
});
