import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCertificates, run, type EtcdCluster, type EtcdOptions, type Lab } from '@flannel-ts/lab';

/** How daemons prove to etcd who they are: not at all, by a password, or over TLS. */
export type AccessKind = 'open' | 'password' | 'tls';

/** What the kind of access means for etcd, its tool and the daemons. */
export interface Access extends AsyncDisposable {
  readonly kind: AccessKind;
  readonly etcd: Pick<EtcdOptions, 'tls' | 'flags'> & { readonly etcdctlFlags: readonly string[] };
  readonly daemonFlags: readonly string[];
  /** Turns authentication on in an etcd without data. */
  secure(etcd: EtcdCluster): Promise<void>;
  /** Replaces the server's certificate by one of another authority, which clients trust after {@link Access.trust}. */
  replaceCertificate?(): Promise<void>;
  trust?(): Promise<void>;
}

/** Seconds after which a token is refused. */
const TOKEN_TTL_S = 10;
const USER = 'root';
const PASSWORD = 'correct-horse';

export async function openAccess(kind: AccessKind, lab: Lab): Promise<Access> {
  if (kind === 'password') return openPassword(lab);
  if (kind === 'tls') return openTls(lab);
  return {
    kind,
    etcd: { etcdctlFlags: [] },
    daemonFlags: [],
    secure: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Tokens are signed, and expire for good. */
async function openPassword({ directory, underlay }: Lab): Promise<Access> {
  const file = (name: string) => join(directory, name);
  await run(['openssl', 'genrsa', '-out', file('token.key'), '2048']);
  await run(['openssl', 'rsa', '-in', file('token.key'), '-pubout', '-out', file('token.pub')]);
  await writeFile(file('password'), `${PASSWORD}\n`);
  const keys = `pub-key=${file('token.pub')},priv-key=${file('token.key')}`;
  return {
    kind: 'password',
    etcd: {
      flags: [`--auth-token=jwt,${keys},sign-method=RS256,ttl=${TOKEN_TTL_S}s`, '--bcrypt-cost=4'],
      etcdctlFlags: [`--user=${USER}:${PASSWORD}`],
    },
    daemonFlags: [`--etcd-username=${USER}`, `--etcd-password-file=${file('password')}`],
    async secure({ endpoints }) {
      const etcdctl = ['env', 'ETCDCTL_API=3', 'etcdctl', `--endpoints=${endpoints.join(',')}`];
      await underlay.run(...etcdctl, 'user', 'add', `${USER}:${PASSWORD}`);
      await underlay.run(...etcdctl, 'user', 'grant-role', USER, 'root');
      await underlay.run(...etcdctl, 'auth', 'enable');
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function openTls({ directory, underlayAddress }: Lab): Promise<Access> {
  await using stack = new AsyncDisposableStack();
  const file = (name: string) => join(directory, name);
  let authority = stack.use(await createCertificates());
  const trust = () => copyFile(authority.ca, file('ca.pem'));
  const install = async () => {
    const { cert, key } = await authority.server(underlayAddress);
    await copyFile(key, file('etcd.key'));
    await copyFile(cert, file('etcd.pem'));
  };
  await install();
  await trust();
  const all = stack.move();
  return {
    kind: 'tls',
    etcd: {
      tls: { cert: file('etcd.pem'), key: file('etcd.key') },
      etcdctlFlags: [`--cacert=${file('ca.pem')}`],
    },
    daemonFlags: [`--etcd-cafile=${file('ca.pem')}`],
    secure: async () => undefined,
    async replaceCertificate() {
      authority = all.use(await createCertificates());
      await install();
    },
    trust,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
