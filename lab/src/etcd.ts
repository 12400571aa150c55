import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyPair } from './certificates.ts';
import { run, start, type RunningProcess } from './command.ts';

export interface EtcdOptions {
  /** Put before every command, to run etcd elsewhere: `['ip', 'netns', 'exec', 'x']`. @default [] */
  readonly commandPrefix?: readonly string[];
  /** IP address to listen on. @default '127.0.0.1' */
  readonly address?: string;
  /** Serve the v2 API too. @default false */
  readonly enableV2?: boolean;
  /** Serve clients over TLS; with `clientCa` only those with a certificate of that authority. */
  readonly tls?: KeyPair & { readonly clientCa?: string };
  /** Credentials that {@link Etcd.etcdctl} uses: its own flags, such as `--cacert=…`. @default [] */
  readonly etcdctlFlags?: readonly string[];
}

/** A real etcd (Debian's etcd-server) with its data in a temporary directory. */
export interface Etcd extends AsyncDisposable {
  /** Client URLs; one for each member. */
  readonly endpoints: readonly string[];
  /** Ends it at once with SIGKILL; clients see a reset. */
  kill(): Promise<void>;
  /** Starts it again on the same ports and data. */
  restart(): Promise<void>;
  /** Freezes it with SIGSTOP: connections stay open and nothing answers. */
  stop(): void;
  /** Thaws it with SIGCONT. */
  cont(): void;
  /** Forgets all history up to the current revision. */
  compact(): Promise<void>;
  /** Writes many keys, 100 in a transaction. */
  putAll(entries: Iterable<readonly [key: string, value: string]>): Promise<void>;
  /** Runs `etcdctl` (v3 API) against it and returns what it prints. */
  etcdctl(...args: string[]): Promise<string>;
}

/** Several members of one etcd; each can fail alone. */
export interface EtcdCluster extends AsyncDisposable {
  /** Client URLs of all members. */
  readonly endpoints: readonly string[];
  readonly members: readonly Etcd[];
}

/** Starts one etcd and waits until it serves. */
export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  const cluster = await startEtcdCluster(1, options);
  return { ...cluster.members[0]!, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() };
}

/** Starts a cluster of `size` members and waits until all of them serve. */
export async function startEtcdCluster(size: number, options: EtcdOptions = {}): Promise<EtcdCluster> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryStart(
        size,
        options,
        options.commandPrefix && attempt === 1 ? WELL_KNOWN_PORT : freePort(),
      );
    } catch (error) {
      if (attempt === 5 || !String(error).includes('address already in use')) throw error;
    }
  }
}

const WELL_KNOWN_PORT = 2379;
/** etcd takes 128 at most. */
const OPERATIONS_PER_TRANSACTION = 100;

/** Below the range of outgoing ports: a client that retries a dead port there could connect to itself. */
function freePort(): number {
  return randomInt(10_000, 32_000);
}

async function tryStart(size: number, options: EtcdOptions, firstPort: number): Promise<EtcdCluster> {
  const { address = '127.0.0.1', tls } = options;
  await using stack = new AsyncDisposableStack();
  const ports = Array.from({ length: size }, (_, index) => firstPort + 2 * index);
  const endpoints = ports.map((port) => `${tls ? 'https' : 'http'}://${address}:${port}`);
  const peerUrls = ports.map((port) => `http://${address}:${port + 1}`);
  const initialCluster = peerUrls.map((url, index) => `member${index}=${url}`).join(',');
  const members = await Promise.all(
    endpoints.map(async (endpoint, index) => {
      const directory = await mkdtemp(join(tmpdir(), 'ftlab-etcd-'));
      stack.defer(() => rm(directory, { recursive: true, force: true }));
      const flags = {
        name: `member${index}`,
        'data-dir': directory,
        'listen-client-urls': endpoint,
        'advertise-client-urls': endpoint,
        'listen-peer-urls': peerUrls[index]!,
        'initial-advertise-peer-urls': peerUrls[index]!,
        'initial-cluster': initialCluster,
        'enable-v2': options.enableV2 ?? false,
        ...(tls && { 'cert-file': tls.cert, 'key-file': tls.key }),
        ...(tls?.clientCa && { 'client-cert-auth': true, 'trusted-ca-file': tls.clientCa }),
      };
      const command = ['etcd', ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)];
      return stack.use(createMember(command, endpoint, options));
    }),
  );
  await Promise.all(members.map((member) => member.restart()));
  const all = stack.move();
  return { endpoints, members, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

function createMember(command: readonly string[], endpoint: string, options: EtcdOptions): Etcd {
  const { commandPrefix = [], etcdctlFlags = [] } = options;
  let process: RunningProcess | undefined;
  const etcdctlCommand = [...commandPrefix, 'env', 'ETCDCTL_API=3', 'etcdctl', `--endpoints=${endpoint}`];
  const etcdctl = (...args: string[]) => run([...etcdctlCommand, ...etcdctlFlags, ...args]);
  const kill = async () => {
    process?.signal('SIGKILL');
    await process?.exited;
  };
  return {
    endpoints: [endpoint],
    kill,
    async restart() {
      process = start([...commandPrefix, ...command]);
      await process.line(/ready to serve client requests/);
    },
    stop: () => process?.signal('SIGSTOP'),
    cont: () => process?.signal('SIGCONT'),
    async compact() {
      const { header } = JSON.parse(await etcdctl('get', 'any', '--write-out=json')) as {
        header: { revision: number };
      };
      await etcdctl('compact', '--physical', `${header.revision}`);
    },
    async putAll(entries) {
      const puts = Array.from(entries, ([key, value]) => `put ${key} ${JSON.stringify(value)}\n`);
      for (let start = 0; start < puts.length; start += OPERATIONS_PER_TRANSACTION) {
        const chunk = puts.slice(start, start + OPERATIONS_PER_TRANSACTION).join('');
        await run([...etcdctlCommand, ...etcdctlFlags, 'txn'], { input: `\n${chunk}\n\n` });
      }
    },
    etcdctl,
    [Symbol.asyncDispose]: kill,
  };
}
