import { setTimeout as delay } from 'node:timers/promises';
import { createEtcdRegistry } from '@flannel-ts/etcd-registry';
import { startEtcd, type Etcd } from '@flannel-ts/lab';
import { createLeaseTable, type Logger } from '@flannel-ts/subnet';
import { processUsage } from './cpu.ts';
import type { Benchmark, Figure } from './report.ts';

const IDLE_WATCHES = 1_000;
const IDLE_MS = 60_000;
const CLIENTS = 500;
const STALL_MS = 5_000;
/** How long etcd's CPU time after a stall counts, in case that clients come late. */
const AFTERMATH_MS = 30_000;
const LEASE = '{"PublicIP":"192.0.2.1"}';
const SUBNETS = '/coreos.com/network/subnets';

/** What many hosts cost etcd, and how they come back when it was away. */
export const registry: Benchmark = {
  name: 'registry',
  describe: "etcd's CPU time for 1,000 idle watches; the return of 500 clients that sign in",
  async run({ rounds, sample, progress }) {
    for (let round = 1; round <= rounds; round++) {
      progress(`round ${round}: ${IDLE_WATCHES} idle watches for ${IDLE_MS / 1000} s`);
      sample(`registry, ${IDLE_WATCHES} idle watches`, await measureIdle());
      for (const [name, leave] of Object.entries(ABSENCES)) {
        progress(`round ${round}: ${CLIENTS} clients that sign in, ${name}`);
        for (const figure of await measureReturn(leave))
          sample(`registry, ${CLIENTS} clients, ${name}`, figure);
      }
    }
  },
};

/** Ways in which etcd is away. */
const ABSENCES: Readonly<Record<string, (etcd: Etcd) => Promise<void>>> = {
  'stall of 5 s': async (etcd) => {
    await etcd.stop();
    await delay(STALL_MS);
    etcd.cont();
  },
  'restart of etcd': async (etcd) => {
    await etcd.kill();
    await etcd.restart();
  },
};

async function measureIdle(): Promise<Figure> {
  await using etcd = await startEtcd();
  await using hosts = follow(etcd, IDLE_WATCHES);
  await etcd.putAll([[`${SUBNETS}/10.5.1.0-24`, LEASE]]);
  await hosts.all('10.5.1.0-24');
  const before = await processUsage(etcd.pid());
  await delay(IDLE_MS);
  const after = await processUsage(etcd.pid());
  const value = ((after.cpuMs - before.cpuMs) / IDLE_MS) * 100;
  return { metric: "etcd's CPU", unit: '% of a core', value };
}

async function measureReturn(leave: (etcd: Etcd) => Promise<void>): Promise<Figure[]> {
  await using etcd = await startEtcd({ etcdctlFlags: ['--user=root:root'] });
  for (const command of ['user add root:root', 'role add root', 'user grant-role root root', 'auth enable'])
    await etcd.etcdctl(...command.split(' '));
  await etcd.putAll([[`${SUBNETS}/10.5.1.0-24`, LEASE]]);
  const before = await processUsage(etcd.pid());
  const began = performance.now();
  await using hosts = follow(etcd, CLIENTS, { username: 'root', password: 'root' });
  await hosts.all('10.5.1.0-24');
  const signedInMs = performance.now() - began;
  const pid = etcd.pid();
  const { cpuMs } = await processUsage(pid);
  await leave(etcd);
  const returned = performance.now();
  await etcd.putAll([[`${SUBNETS}/10.5.2.0-24`, LEASE]]);
  await hosts.all('10.5.2.0-24');
  const backMs = performance.now() - returned;
  await delay(Math.max(0, AFTERMATH_MS - backMs));
  const used = (await processUsage(etcd.pid())).cpuMs - (etcd.pid() === pid ? cpuMs : 0);
  return [
    { metric: 'time until all have signed in at once', unit: 's', value: signedInMs / 1000 },
    { metric: "etcd's CPU time for all sign-ins", unit: 's', value: (cpuMs - before.cpuMs) / 1000 },
    { metric: 'time until all watches are back', unit: 's', value: backMs / 1000 },
    { metric: "etcd's CPU time for the return", unit: 's', value: used / 1000 },
  ];
}

/** Follows the leases as so many hosts do. */
function follow(etcd: Etcd, count: number, user: { username?: string; password?: string } = {}) {
  const stack = new AsyncDisposableStack();
  const hosts = Array.from({ length: count }, () => {
    const registry = createEtcdRegistry({ log: SILENT }, { endpoints: etcd.endpoints, api: 'v3', ...user });
    const table = createLeaseTable();
    const waits = new Set<() => void>();
    const done = (async () => {
      for await (const event of registry.watchLeases()) {
        table.apply(event);
        for (const check of waits) check();
      }
    })();
    stack.defer(async () => {
      await registry[Symbol.asyncDispose]();
      await done;
    });
    return {
      /** Resolves when the host knows a lease. */
      knows(key: string): Promise<void> {
        const { promise, resolve } = Promise.withResolvers<void>();
        const check = () => table.leases.has(key) && resolve();
        waits.add(check);
        check();
        return promise.finally(() => waits.delete(check));
      },
    };
  });
  return {
    all: (key: string) => Promise.all(hosts.map((host) => host.knows(key))),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const ignore = () => undefined;
const SILENT: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
