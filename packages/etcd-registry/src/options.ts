import { readFile } from 'node:fs/promises';
import type { Logger } from '@flannel-ts/subnet';
import { EtcdOptionError } from './errors.ts';
import { RefusedError } from './failure.ts';

export interface EtcdRegistryOptions {
  /** Client URLs of one or more members of the cluster: `http://…` or `https://…`. */
  readonly endpoints: readonly string[];
  /** Where config and leases lie. @default '/coreos.com/network' */
  readonly prefix?: string;
  /** Files for `https` endpoints. Read at every connection, so that renewed ones need no restart. */
  readonly tls?: TlsFiles;
  /** With `password`; ignored by an etcd that has authentication disabled. */
  readonly username?: string;
  readonly password?: string;
  /**
   * Path of a file with the password instead of `password`, read at every sign-in; a newline at its end does
   * not count.
   */
  readonly passwordFile?: string;
  /**
   * How often all leases are listed beside the watch, which may miss changes: milliseconds between two
   * listings at most, and half of it at least. @default 300000
   */
  readonly relistMs?: number;
  /**
   * The API that config and leases are in. `auto` settles at the first config it finds: v3 if the config is
   * there, else v2. @default 'auto'
   */
  readonly api?: 'auto' | 'v2' | 'v3';
}

/** Paths of PEM files; '' is the same as none. */
export interface TlsFiles {
  /** Certificate authority of the servers. @default the authorities that Node trusts */
  readonly ca?: string;
  /** Client certificate; needs `key`. */
  readonly cert?: string;
  readonly key?: string;
}

/** How to reach one cluster: {@link EtcdRegistryOptions}, checked. */
export interface Access {
  readonly endpoints: readonly URL[];
  readonly tls: TlsFiles;
  /** `undefined` without password authentication. */
  readonly user: User | undefined;
}

export interface User {
  readonly name: string;
  /** Returns the password as it is now. @throws {RefusedError} naming the option when its file cannot be read */
  readonly readPassword: () => Promise<string>;
}

/** How a member that hangs is found while it is silent. */
export interface Liveness {
  /** Milliseconds of silence before a sign of life is asked for; etcd closes connections for less than 5 s. */
  readonly intervalMs: number;
  /** Milliseconds that a member has to give one. */
  readonly timeoutMs: number;
}

/** A member that hangs is left after 15 s over v3, and after 25 s over v2, which probes half as often. */
export const LIVENESS: Liveness = { intervalMs: 10_000, timeoutMs: 5_000 };

/** Checks the options, and warns of those that have no effect. @throws {EtcdOptionError} */
export function checkAccess(options: EtcdRegistryOptions, log: Logger): Access {
  const { endpoints, tls = {} } = options;
  if (endpoints.length === 0) throw new EtcdOptionError('etcd-endpoints', `is empty; want ${EXAMPLE}`);
  const urls = endpoints.map(parseEndpoint);
  if (tls.cert && !tls.key) throw new EtcdOptionError('etcd-certfile', 'needs etcd-keyfile');
  if (tls.key && !tls.cert) throw new EtcdOptionError('etcd-keyfile', 'needs etcd-certfile');
  const flag = tls.ca ? 'etcd-cafile' : 'etcd-certfile';
  if ((tls.ca || tls.cert) && !urls.some(isSecure)) {
    const remedy = 'write https:// there if etcd serves TLS, or leave the flag out';
    log.warn({}, `${flag} has no effect, as no URL in etcd-endpoints begins with https://; ${remedy}`);
  }
  return { endpoints: urls, tls, user: checkUser(options) };
}

function checkUser({ username, password, passwordFile }: EtcdRegistryOptions): User | undefined {
  if (password && passwordFile)
    throw new EtcdOptionError('etcd-password-file', 'must not be given with etcd-password; remove one');
  if (!username && password) throw new EtcdOptionError('etcd-password', 'needs etcd-username');
  if (!username && passwordFile) throw new EtcdOptionError('etcd-password-file', 'needs etcd-username');
  if (!username) return undefined;
  if (passwordFile) return { name: username, readPassword: () => readPasswordFile(passwordFile) };
  if (password) return { name: username, readPassword: () => Promise.resolve(password) };
  throw new EtcdOptionError('etcd-username', 'needs etcd-password or etcd-password-file');
}

async function readPasswordFile(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    throw new RefusedError(`etcd-password-file: ${(error as Error).message}`, { cause: error });
  }
}

export function isSecure(endpoint: URL): boolean {
  return endpoint.protocol === 'https:';
}

const EXAMPLE = 'URLs such as http://127.0.0.1:2379';

function parseEndpoint(text: string): URL {
  const url = /^https?:\/\//.test(text) ? URL.parse(text) : null;
  const shown = JSON.stringify(hideUser(text));
  if (!url) throw new EtcdOptionError('etcd-endpoints', `has ${shown}; want ${EXAMPLE}`);
  if (url.pathname !== '/' || url.search || url.hash || url.username || url.password) {
    throw new EtcdOptionError(
      'etcd-endpoints',
      `has ${shown}; want a scheme, host and port only, such as ${url.protocol}//${url.host}`,
    );
  }
  return url;
}

/** Messages end in logs, where no password belongs. */
function hideUser(endpoint: string): string {
  return endpoint.replace(/^(\w+:\/\/)?.*@/, '$1…@');
}
