import { describe, expect, it } from 'vitest';
import { flags } from '../src/flags.ts';
import { readSettings, type Settings } from '../src/settings.ts';

async function settings(args: string[], environment: NodeJS.ProcessEnv = {}): Promise<Settings> {
  const request = await readSettings(args, environment);
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
    const off = ['false', 'F', '0', 'False'].includes(text);
    if (off) expect((await settings([`-ip-masq=${text}`]))['ip-masq']).toBe(false);
    else await expect(settings([`-ip-masq=${text}`])).rejects.toThrow('-ip-masq cannot be used');
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
      'subnet-lease-renew-margin': 60,
      'healthz-port': 0,
      'ip-masq': false,
      'public-ip': undefined,
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

  it('lets the command line win', async () => {
    expect((await settings(['-etcd-prefix=/c'], { FLANNELD_ETCD_PREFIX: '/e' }))['etcd-prefix']).toBe('/c');
  });

  it('names the variable in an error', async () => {
    await expect(settings([], { FLANNELD_HEALTHZ_PORT: 'x' })).rejects.toThrow(
      'FLANNELD_HEALTHZ_PORT must be a whole number from 0 to 65535, not "x"',
    );
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
    [['-etcd-endpoints=http://a,,http://b'], '-etcd-endpoints has an empty item'],
    [['-etcd-prefix'], 'etcd-prefix'],
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
  const request = await readSettings([flag], {});
  if (request.kind !== 'help') throw new Error('no help');
  for (const name of Object.keys(flags)) expect(request.text).toContain(`--${name}`.replace(/^--v$/, '-v'));
  expect(request.text).toContain('etcd:');
});

it('--version', async () => {
  expect(await readSettings(['-version'], {})).toEqual({ kind: 'version' });
});
