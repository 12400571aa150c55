import { EtcdOptionError } from './errors.ts';

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
  readonly user: { readonly name: string; readonly password: string } | undefined;
}

/** @throws {EtcdOptionError} */
export function checkAccess({ endpoints, tls = {}, username, password }: EtcdRegistryOptions): Access {
  if (endpoints.length === 0) throw new EtcdOptionError('etcd-endpoints', `is empty; want ${EXAMPLE}`);
  const urls = endpoints.map(parseEndpoint);
  if (tls.cert && !tls.key) throw new EtcdOptionError('etcd-certfile', 'needs etcd-keyfile');
  if (tls.key && !tls.cert) throw new EtcdOptionError('etcd-keyfile', 'needs etcd-certfile');
  const flag = tls.ca ? 'etcd-cafile' : 'etcd-certfile';
  if ((tls.ca || tls.cert) && !urls.some(isSecure)) {
    throw new EtcdOptionError(flag, 'is given, but no URL in etcd-endpoints begins with https://');
  }
  if (!username && password) throw new EtcdOptionError('etcd-password', 'needs etcd-username');
  if (username && !password) throw new EtcdOptionError('etcd-username', 'needs etcd-password');
  return { endpoints: urls, tls, user: username && password ? { name: username, password } : undefined };
}

export function isSecure(endpoint: URL): boolean {
  return endpoint.protocol === 'https:';
}

const EXAMPLE = 'URLs such as http://127.0.0.1:2379';

function parseEndpoint(text: string): URL {
  const url = /^https?:\/\//.test(text) ? URL.parse(text) : null;
  if (!url) throw new EtcdOptionError('etcd-endpoints', `has ${JSON.stringify(text)}; want ${EXAMPLE}`);
  if (url.pathname !== '/' || url.search || url.username) {
    throw new EtcdOptionError(
      'etcd-endpoints',
      `has ${JSON.stringify(text)}; want a scheme, host and port only, such as ${url.protocol}//${url.host}`,
    );
  }
  return url;
}
