import { randomInt } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyPair } from './certificates.ts';
import { run } from './command.ts';
import { createMember, type Etcd } from './etcd-member.ts';
import { makeDirectory } from './leftovers.ts';

export interface EtcdOptions {
  /** Put before every command, to run etcd elsewhere: `['ip', 'netns', 'exec', 'x']`. @default [] */
  readonly commandPrefix?: readonly string[];
  /** IP address to listen on. @default '127.0.0.1' */
  readonly address?: string;
  /** Serve clients on every address, and not only on {@link EtcdOptions.address}. @default false */
  readonly everywhere?: boolean;
  /** Serve clients on this port too. @default none */
  readonly secondPort?: number;
  /** Serve the v2 API too. @default false */
  readonly enableV2?: boolean;
  /** Serve clients over TLS; with `clientCa` only those with a certificate of that authority. */
  readonly tls?: KeyPair & { readonly clientCa?: string };
  /** Credentials that {@link Etcd.etcdctl} uses: its own flags, such as `--cacert=…`. @default [] */
  readonly etcdctlFlags?: readonly string[];
  /** More flags of every member: `--auth-token=…`. @default [] */
  readonly flags?: readonly string[];
}

/** Several members of one etcd; each can fail alone. */
export interface EtcdCluster extends AsyncDisposable {
  /** Client URLs of all members. */
  readonly endpoints: readonly string[];
  readonly members: readonly Etcd[];
  /**
   * Kills all members and starts them again as a new cluster: with no data, or with those of a snapshot.
   * @param snapshot - file that `etcdctl snapshot save` wrote
   */
  replaceData(snapshot?: string): Promise<void>;
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
  const sites = await Promise.all(
    endpoints.map(async (endpoint, index) => {
      const directory = await makeDirectory('etcd');
      stack.defer(() => rm(directory, { recursive: true, force: true }));
      const site = {
        name: `member${index}`,
        'data-dir': join(directory, 'data'),
        'initial-advertise-peer-urls': peerUrls[index]!,
        'initial-cluster': initialCluster,
      };
      const flags = {
        ...site,
        'listen-client-urls': listenUrls(endpoint, options),
        'advertise-client-urls': endpoint,
        'listen-peer-urls': peerUrls[index]!,
        'enable-v2': options.enableV2 ?? false,
        ...(tls && { 'cert-file': tls.cert, 'key-file': tls.key }),
        ...(tls?.clientCa && { 'client-cert-auth': true, 'trusted-ca-file': tls.clientCa }),
      };
      const command = ['etcd', ...toFlags(flags), ...(options.flags ?? [])];
      return { site, member: stack.use(createMember(command, endpoint, options)) };
    }),
  );
  const members = sites.map(({ member }) => member);
  const startAll = async () => {
    await Promise.all(members.map((member) => member.restart()));
  };
  await startAll();
  const all = stack.move();
  return {
    endpoints,
    members,
    async replaceData(snapshot) {
      await Promise.all(members.map((member) => member.kill()));
      for (const { site } of sites) {
        await rm(site['data-dir'], { recursive: true, force: true });
        if (snapshot === undefined) continue;
        await run(['env', 'ETCDCTL_API=3', 'etcdctl', 'snapshot', 'restore', snapshot, ...toFlags(site)]);
      }
      await startAll();
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function toFlags(values: Readonly<Record<string, string | boolean>>): string[] {
  return Object.entries(values).map(([flag, value]) => `--${flag}=${value}`);
}

function listenUrls(endpoint: string, { everywhere, secondPort }: EtcdOptions): string {
  const first = new URL(endpoint);
  if (everywhere) first.hostname = '0.0.0.0';
  const second = new URL(first);
  if (secondPort !== undefined) second.port = `${secondPort}`;
  return [...new Set([first.origin, second.origin])].join(',');
}
