import { createLab, ENGINE_SUITES } from '@flannel-ts/lab';
import { expect, it } from 'vitest';
import { buildPackage } from '../guide/build-package.ts';
import { bootHosts } from '../guide/hosts.ts';

it.each(['20.10', '28.5'] as const)(
  'installs beside Docker %s by one command on a fresh host, which Docker serves at once',
  async (engine) => {
    await using stack = new AsyncDisposableStack();
    const lab = stack.use(await createLab());
    const deb = await buildPackage(lab.directory, ENGINE_SUITES[engine]);
    const hosts = await bootHosts({ lab, stack }, { names: ['host1'], engine, deb });
    const host = hosts.get('host1')!;
    const install = 'apt install --yes ./flanneld_*.deb docker.io';
    // Without a bound of its own: an installation that waits for the lease waits for ever.
    await host.run('timeout', '120', 'sh', '-c', `cd /root && DEBIAN_FRONTEND=noninteractive ${install}`);
    const states = await host.run('sh', '-c', 'systemctl is-active docker flanneld || true');
    expect(states).toBe('active\ninactive\n');
    expect(await host.run('docker', 'version', '--format', '{{.Server.Version}}')).toContain(engine);
  },
  // It may have to make Debian trees first.
  600_000,
);
