import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCluster, type Host, type RunningProcess } from '@flannel-ts/lab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  addOperatorsThings,
  cleanUp,
  configure,
  difference,
  fileOf,
  hostState,
  startDaemon,
} from './cleanup-host.ts';
import { storedLeases } from './contract.ts';

let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

/** A host as it was before flannel, and what a daemon that has a peer made of it. */
async function startHost(type: string) {
  const network = { prefix: '/coreos.com/network', range: '10.5', backend: { Type: type } };
  const cluster = stack.use(await createCluster(network));
  const host = await cluster.lab.addHost();
  await configure(cluster, network);
  await addOperatorsThings(host);
  const before = await hostState(host);
  const daemon = await startDaemon(cluster, host, network);
  return { cluster, host, before, daemon, subnetFile: fileOf(host, network) };
}

/** A shell whose process has the name and a flag of upstream's daemon, and waits for ever. */
async function startCalledFlanneld(host: Host, flag: string): Promise<RunningProcess> {
  const directory = await mkdtemp(join(host.directory, 'upstream-'));
  const program = join(directory, 'flanneld');
  await copyFile('/bin/sh', program);
  await host.run('mkfifo', join(directory, 'fifo'));
  const wait = `echo up; read line < ${join(directory, 'fifo')}`;
  const running = host.start([program, '-c', wait, program, flag]);
  await running.line(/up/);
  return running;
}

describe('flanneld cleanup', () => {
  it('needs neither etcd nor a default route, and says within a bound that a lease cannot be deleted', async () => {
    const { cluster, host, before, daemon, subnetFile } = await startHost('host-gw');
    await daemon.stop();
    await cluster.etcd.stop();
    await host.run('ip', 'route', 'delete', 'default');
    const flags = [`--subnet-file=${subnetFile}`, `--etcd-endpoints=${cluster.endpoint}`];
    const withLease = await cleanUp(host, ...flags, '--lease', '--iface=eth0');
    expect(withLease.exitCode).toBe(1);
    expect(withLease.output).toMatch(/lease: not deleted: etcd is unavailable/);
    const { added, removed } = difference(before, await hostState(host));
    expect({ added, removed }).toEqual({
      added: [],
      removed: [expect.stringContaining('default via 192.168.77.1')],
    });
    const again = await cleanUp(host, ...flags);
    expect(again).toMatchObject({ exitCode: 0, output: 'nothing is left on this host' });
  });

  it('needs no underlay interface, which only the search for the lease misses', async () => {
    const { cluster, host, daemon, subnetFile } = await startHost('udp');
    await daemon.stop();
    await host.run('ip', 'link', 'delete', 'eth0');
    const { exitCode, output } = await cleanUp(host, `--subnet-file=${subnetFile}`, '--lease');
    expect(exitCode).toBe(1);
    expect(output).toMatch(/device flannel0 .*: deleted/);
    expect(output).toContain('lease: not deleted: the default route leads to no interface');
    const left = (await hostState(host)).join('\n');
    expect(left).not.toMatch(/flannel0|FLANNEL|flanneld/);
    expect(await storedLeases(cluster)).toHaveLength(2);
  });

  it('refuses while the daemon runs, and a dry run says exactly what goes after its end', async () => {
    const { host, before, daemon, subnetFile } = await startHost('host-gw');
    const flag = `--subnet-file=${subnetFile}`;
    const running = await hostState(host);
    const refused = await cleanUp(host, flag);
    expect(refused.exitCode).toBe(1);
    expect(refused.output).toContain(`flanneld runs with -subnet-file=${subnetFile}; stop it first`);
    const warned = await cleanUp(host, flag, '--dry-run');
    expect(warned.output).toContain('flanneld runs');
    await daemon.stop();
    const rehearsed = await cleanUp(host, flag, '--dry-run');
    expect(rehearsed.output).toContain('route 10.5.51.0/24 via 192.168.77.51: would be deleted');
    expect(await hostState(host)).toEqual(running);
    const done = await cleanUp(host, flag);
    expect(done.output).toBe(rehearsed.output.replaceAll('would be deleted', 'deleted'));
    expect(difference(before, await hostState(host))).toEqual({ added: [], removed: [] });
  });

  it('refuses while upstream’s daemon runs, whose process is called flanneld', async () => {
    const { host, daemon, subnetFile } = await startHost('host-gw');
    await daemon.stop();
    const flag = `--subnet-file=${subnetFile}`;
    await using other = await startCalledFlanneld(host, '--subnet-file=/elsewhere');
    expect((await cleanUp(host, flag, '--dry-run')).output).not.toContain('runs');
    expect(other.running).toBe(true);
    await using upstream = await startCalledFlanneld(host, flag);
    const refused = await cleanUp(host, flag);
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.output).toContain(`upstream's flanneld (process ${upstream.pid}) runs`);
  });

  it('finds what the daemon recorded when subnet.env is gone, and asks when nothing says whose things are', async () => {
    const { host, before, daemon, subnetFile } = await startHost('host-gw');
    await daemon.stop();
    const env = await readFile(subnetFile, 'utf8');
    const record = await readFile(`${subnetFile}.made`, 'utf8');
    await Promise.all([rm(subnetFile), rm(`${subnetFile}.made`)]);
    const flag = `--subnet-file=${subnetFile}`;
    const left = await hostState(host);
    const asked = await cleanUp(host, flag);
    expect(asked.exitCode).toBe(1);
    expect(asked.output).toContain('does not say whose these are');
    expect(asked.output).toContain('FLANNEL-FWD');
    expect(await hostState(host)).toEqual(left);
    await writeFile(`${subnetFile}.made`, record);
    expect(await cleanUp(host, flag)).toMatchObject({ exitCode: 0 });
    expect(difference(before, await hostState(host))).toEqual({ added: [], removed: [] });
    expect(env).toContain('FLANNEL_NETWORK=10.5.0.0/16');
    await expect(readFile(`${subnetFile}.made`)).rejects.toThrow('ENOENT');
  });

  it('removes what a run left after others with another backend, VNI and network', async () => {
    const { cluster, host, before, daemon, subnetFile } = await startHost('host-gw');
    await daemon.stop();
    for (const [range, backend] of [
      ['10.5', { Type: 'vxlan', VNI: 3 }],
      ['10.7', { Type: 'vxlan', VNI: 4, Port: 8476 }],
    ] as const) {
      const network = { prefix: '/coreos.com/network', range, backend };
      await configure(cluster, network);
      const next = await startDaemon(cluster, host, network, `--subnet-file=${subnetFile}`);
      await next.stop();
    }
    const devices = await host.run('ip', '-brief', 'link');
    expect(devices).toContain('flannel.4');
    expect(await cleanUp(host, `--subnet-file=${subnetFile}`)).toMatchObject({ exitCode: 0 });
    expect(difference(before, await hostState(host))).toEqual({ added: [], removed: [] });
  });
});
