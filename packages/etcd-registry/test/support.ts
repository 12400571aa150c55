import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import type { Etcd } from '@flannel-ts/lab';
import {
  changedKey,
  createLeaseTable,
  leaseKey,
  systemClock,
  type Clock,
  type LeaseChange,
  type LeaseEvent,
  type LeaseRequest,
  type Registry,
} from '@flannel-ts/subnet';
import { createRecordingLog, type RecordingLog } from '@flannel-ts/subnet/testing';
import { openEtcdRegistry, type EtcdRegistryComponents } from '../src/etcd-registry.ts';
import type { EtcdRegistryOptions, RegistryEvent } from '../src/index.ts';
import { LIVENESS } from '../src/options.ts';

export const PREFIX = '/coreos.com/network';
export const DAY_MS = 24 * 60 * 60 * 1000;

export const APIS = ['v2', 'v3'] as const;

/** A lease of a vxlan host with the public IP `192.0.<host>`. */
export function request(key: string, host = 1, ttlMs = DAY_MS): LeaseRequest {
  const publicIp = { ipv4: parseAddress(`192.0.${host >> 8}.${host & 255}`) };
  return { subnets: parseSubnetKey(key), attributes: { publicIp, backendType: 'vxlan' }, ttlMs };
}

/** `10.<i>.0-24` for a running number. */
export function subnetKey(index: number): string {
  return `10.${index >> 8}.${index & 255}.0-24`;
}

/** Writes leases without time to live as another program would. */
export async function putLeases(etcd: Etcd, keys: readonly string[], value = '{"PublicIP":"192.0.2.1"}') {
  await etcd.putAll(keys.map((key) => [`${PREFIX}/subnets/${key}`, value]));
}

/** The same with the API that is tested. */
export function putLeasesOver(
  api: (typeof APIS)[number],
  etcd: Etcd,
  names: readonly string[],
): Promise<void> {
  const keys = names.map((name) => `${PREFIX}/subnets/${name}`);
  return api === 'v2' ? putAll2(etcd, keys) : putLeases(etcd, names);
}

/** The same in v2: keys with one value, in order. `ttl` in seconds. */
export async function putAll2(
  etcd: Etcd,
  keys: readonly string[],
  { value = '{"PublicIP":"192.0.2.1"}', ttl = '' } = {},
) {
  for (const key of keys) {
    const body = new URLSearchParams({ value, ttl });
    const answer = await fetch(`${etcd.endpoints[0]!}/v2/keys${key}`, { method: 'PUT', body });
    if (!answer.ok) throw new Error(await answer.text());
  }
}

/** Follows a watch in the background and keeps what it yields. */
export function follow(registry: Registry) {
  const abort = new AbortController();
  const events: LeaseEvent[] = [];
  const changes: LeaseChange[] = [];
  const table = createLeaseTable();
  let notify = Promise.withResolvers<void>();
  const done = (async () => {
    for await (const event of registry.watchLeases({ signal: abort.signal })) {
      events.push(event);
      changes.push(...table.apply(event));
      notify.resolve();
      notify = Promise.withResolvers();
    }
  })();
  const ended = done.then(() => Promise.reject(new Error('the watch ended')));
  ended.catch(() => undefined);
  return {
    events,
    /** Every event so far in words: snapshots with their leases, and changes. */
    words: () => events.flatMap(inWords),
    /** What the events so far have changed, in words; a snapshot changes what differs from before. */
    changes: () => changes.map(changeInWords),
    /** The keys of the leases that there are by the events so far. */
    leases: () => [...table.leases.keys()].sort(),
    async until(condition: () => boolean): Promise<void> {
      while (!condition()) await Promise.race([notify.promise, ended]);
    },
    async [Symbol.asyncDispose]() {
      abort.abort();
      await done;
    },
  };
}

/** Opens a registry and follows its leases. */
export function openAndFollow(
  options: EtcdRegistryOptions,
  components: Partial<Omit<EtcdRegistryComponents, 'log' | 'onEvent'>> = {},
  liveness = LIVENESS,
) {
  const log = createRecordingLog();
  const reports: RegistryEvent[] = [];
  const onEvent = (event: RegistryEvent) => void reports.push(event);
  const registry = openEtcdRegistry({ log, onEvent, ...components }, options, liveness);
  const watch = follow(registry);
  return {
    log,
    registry,
    watch,
    /** What the registry has reported of its watches. */
    reports,
    kinds: () => reports.map(({ kind }) => kind),
    async [Symbol.asyncDispose]() {
      await watch[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

function inWords(event: LeaseEvent): string[] {
  if (event.kind === 'snapshot') return [['snapshot', ...event.leases.map(leaseKey)].join(' ')];
  return event.changes.map(changeInWords);
}

function changeInWords(change: LeaseChange): string {
  return `${change.kind} ${changedKey(change)}`;
}

/** A TCP relay in front of an etcd, to hold answers back, cut connections and change the etcd behind. */
export async function startRelay(etcd: Etcd) {
  const pairs = new Set<readonly [Socket, Socket]>();
  let target = new URL(etcd.endpoints[0]!);
  let isBlackHole = false;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    client.pipe(upstream);
    if (!isBlackHole) upstream.pipe(client);
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    holdAnswers() {
      for (const [client, upstream] of pairs) upstream.unpipe(client);
    },
    /** Holds back the answers of future connections, too. */
    blackHole() {
      isBlackHole = true;
      this.holdAnswers();
    },
    /** Ends what `blackHole` began. */
    recover() {
      isBlackHole = false;
      this.cut();
    },
    cut() {
      for (const [client] of pairs) client.destroy();
    },
    lead(to: Etcd) {
      target = new URL(to.endpoints[0]!);
    },
    async [Symbol.asyncDispose]() {
      this.cut();
      server.close();
      await once(server, 'close');
    },
  };
}

export const levels = (log: RecordingLog) => log.entries.map(({ level }) => level);

/** A clock whose delays do not end before the gate is opened. */
export function gatedClock(): { readonly clock: Clock; open(): void } {
  const gate = Promise.withResolvers<void>();
  const delay: Clock['delay'] = async (ms, options) => {
    await gate.promise;
    await systemClock.delay(ms, options);
  };
  return { clock: { now: () => Date.now(), delay }, open: gate.resolve };
}
