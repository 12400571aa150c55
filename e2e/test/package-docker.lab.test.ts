import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bootHost, createCluster, run, type BootedHost, type Cluster, type Host } from '@flannel-ts/lab';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from './contract.ts';

const BUILD = ['node', join(import.meta.dirname, '../../packaging/build-deb.ts'), '--version=1.0.0'];
const DOCKERD = '/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock';
const BOUND = `[Unit]
JobRunningTimeoutSec=3s
[Service]
ExecStart=
ExecStart=/usr/bin/flanneld --etcd-prefix=/elsewhere
`;
const HEALTH = 'http://127.0.0.1:8471/readyz';
const FIX = 'systemctl restart docker';

/** What Docker goes through on a host with the package, from an installation without settings on. */
describe('the package beside Docker', { timeout: 60_000 }, () => {
  let cluster: Cluster;
  let lan: Host;
  let host: BootedHost;

  beforeAll(async () => {
    cluster = await createCluster({ backend: { Type: 'vxlan' } });
    lan = await cluster.lab.addHost();
    const debs = await mkdtemp(join(lan.directory, 'debs-'));
    await run([...BUILD, `--out=${debs}`]);
    host = await bootHost(lan, debs);
    await writeFile(join(debs, 'flanneld.conf'), '[Service]\nOOMScoreAdjust=-500\n');
    await writeFile(join(debs, 'bound.conf'), BOUND);
    await writeFile(join(debs, 'docker.conf'), `[Service]\nExecStart=\nExecStart=${DOCKERD}\n`);
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });
  beforeEach(({ onTestFailed }) =>
    onTestFailed(async () => {
      console.error(await host.run('journalctl', '--unit=flanneld', '--unit=docker', '--no-pager'));
    }),
  );

  it('names local drop-ins when it is installed, and what the one of Docker lacks', async () => {
    const [docker, flanneld] = ['docker', 'flanneld'].map(
      (unit) => `/etc/systemd/system/${unit}.service.d/local.conf`,
    );
    await host.run('install', '-D', '--mode=644', '/mnt/docker.conf', docker!);
    await host.run('install', '-D', '--mode=644', '/mnt/flanneld.conf', flanneld!);
    const output = await host.run('dpkg', '--install', '/mnt/flanneld_1.0.0_amd64.deb');
    expect(output).toContain(`${flanneld!} is in effect over the package's flanneld.service`);
    expect(output).toContain(`${docker!} sets the command of Docker; add $DOCKER_NETWORK_OPTIONS to it`);
    await host.run('sed', '--in-place', 's/sock$/& $DOCKER_NETWORK_OPTIONS/', docker!);
  });

  it('does not keep Docker’s installation waiting while it has no settings, and logs what to set', async () => {
    await host.run('timeout', '50', 'dpkg-reconfigure', 'docker.io');
    expect(await state('docker')).toBe('active');
    expect(await state('flanneld')).toBe('inactive');
    await logged('flanneld', /set FLANNEL_ETCD_ENDPOINTS in \/etc\/default\/flanneld/);
    expect(await journal('docker')).not.toContain('flanneld');
    await stopDocker();
  });

  it('lets Docker start after a bound while etcd is away, and logs what is wrong', async () => {
    const dropIn = '/etc/systemd/system/flanneld.service.d/bound.conf';
    await host.run('cp', '/mnt/bound.conf', dropIn);
    await host.run('systemctl', 'daemon-reload');
    await host.run('timeout', '40', 'systemctl', 'start', 'docker');
    expect(await state('docker')).toBe('active');
    expect(await state('flanneld')).toBe('activating');
    await logged('docker', /without flanneld's options.*flanneld\.service is activating/);
    // It exits with 3, as the unit is not active.
    const status = () => host.run('sh', '-c', 'systemctl status flanneld || true');
    const awaited = /Status: "waiting: etcd is unavailable: .*127\.0\.0\.1:2379/;
    await eventually(status, (text) => awaited.test(text), 10_000);
    await host.run('rm', dropIn);
    await host.run('systemctl', 'daemon-reload');
  });

  it('reports that Docker’s bridge is not on the lease, until Docker is restarted', async () => {
    await settings(`FLANNEL_ETCD_ENDPOINTS="${cluster.endpoint}"`, 'FLANNELD_HEALTHZ_PORT=8471');
    await host.run('systemctl', 'restart', 'flanneld');
    const { answer } = await eventually(readyz, (text) => text.includes('docker failing'), 10_000);
    expect(answer).toMatch(
      /docker0 must have 10\.5\.\d+\.1\/24, the lease of this host, not 172\.17\.0\.1\/16/,
    );
    expect(answer).toContain(FIX);
    await logged('flanneld', /"level":"error".*docker0 must have 10\.5\./);
    await host.run('systemctl', 'restart', 'docker');
    await eventually(readyz, (text) => text.startsWith('ok\n'), 10_000);
    await logged('flanneld', /docker is ok again/);
    await stopDocker();
  });

  it('reports a Docker that started after flanneld had failed', async () => {
    await host.run('systemctl', 'stop', 'flanneld');
    await host.run('rm', '/run/flannel/docker');
    await settings('FLANNELD_HEALTHZ_PORT=many');
    await host.run('systemctl', 'start', 'docker');
    expect(await state('flanneld')).toBe('failed');
    await logged('docker', /without flanneld's options.*flanneld\.service is failed/);
    await settings('FLANNELD_HEALTHZ_PORT=8471');
    await stopDocker();
  });

  async function readyz(): Promise<string> {
    return lan.run('curl', '--silent', '--show-error', HEALTH).catch(String);
  }

  async function settings(...lines: string[]): Promise<void> {
    await host.run('sh', '-c', 'printf "%s\\n" "$@" >> /etc/default/flanneld', 'append', ...lines);
  }

  async function state(unit: string): Promise<string> {
    return (await host.run('systemctl', 'show', '--value', '--property=ActiveState', unit)).trim();
  }

  async function stopDocker(): Promise<void> {
    await host.run('systemctl', 'stop', 'docker.service', 'docker.socket', 'containerd');
    // Its unit allows three starts a minute.
    await host.run('systemctl', 'reset-failed', 'docker');
  }

  async function logged(unit: string, pattern: RegExp): Promise<void> {
    await eventually(
      () => journal(unit),
      (text) => pattern.test(text),
      10_000,
    );
  }

  function journal(unit: string): Promise<string> {
    return host.run('journalctl', `--unit=${unit}`, '--output=cat', '--no-pager');
  }
});
