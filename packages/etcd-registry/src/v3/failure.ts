import { RegistryUnavailableError } from '@flannel-ts/subnet';
import { RegistryAccessError } from '../errors.ts';

/** One endpoint's answer to a call that it did not serve. */
export interface Failure {
  readonly endpoint: URL;
  readonly error: unknown;
}

/** What went wrong at all endpoints that were asked, in words an operator can act on. */
export function unavailable(failures: readonly Failure[]): RegistryUnavailableError {
  const told = failures.map(({ endpoint, error }) => ({ ...explain(error), endpoint: endpoint.origin }));
  const problems = new Set(told.map(({ endpoint, problem }) => `${endpoint}: ${problem}`));
  const remedies = new Set(told.map(({ remedy }) => remedy).filter((remedy) => remedy !== undefined));
  const cause =
    failures.length === 1 ? failures[0]!.error : new AggregateError(failures.map(({ error }) => error));
  if (remedies.size === 0)
    return new RegistryUnavailableError(`etcd is unavailable: ${join(problems)}`, { cause });
  return new RegistryAccessError(`etcd refuses us: ${join(problems)}; ${join(remedies)}`, { cause });
}

function join(texts: ReadonlySet<string>): string {
  return [...texts].join('; ');
}

/** Texts of etcd, gRPC and TLS that tell a mistake in the set-up, and what mends it. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /certificate required|bad certificate|certificate_required|bad_certificate|unknown_ca|unknown ca/i,
    'give a client certificate that etcd trusts with etcd-certfile and etcd-keyfile',
  ],
  [
    /unable to (get|verify)|self.signed|certificate/i,
    "give the authority of etcd's certificate with etcd-cafile, and the name or address that it is for in etcd-endpoints",
  ],
  [
    /wrong version number|packet length too long/i,
    'etcd does not serve TLS: write http:// in etcd-endpoints',
  ],
  [/invalid user ID or password/, 'check etcd-username and etcd-password'],
  [/user name is empty|no password user/, 'etcd wants a user: give etcd-username and etcd-password'],
  [
    /permission denied/,
    'let the user read and write the keys under etcd-prefix (etcdctl role grant-permission)',
  ],
  [/ENOENT|EACCES|EISDIR|PEM/, 'check the paths in etcd-cafile, etcd-certfile and etcd-keyfile'],
];

function explain(error: unknown): { readonly problem: string; readonly remedy: string | undefined } {
  const text = error instanceof Error ? error.message : String(error);
  const problem = text
    .replace(/^\w*:? ?\d+ [A-Z_]+: /, '')
    .replace(/^No connection established\. Last error: (Error: )?/, '')
    .replace(/\. Resolution note:.*$/, '')
    .replace(/^Deadline exceeded.*$/, 'no answer in time');
  return { problem, remedy: REMEDIES.find(([pattern]) => pattern.test(text))?.[1] };
}
