import { RegistryUnavailableError } from '@flannel-ts/subnet';
import { RegistryAccessError } from './errors.ts';

/** One endpoint's answer to a call that it did not serve. */
export interface Failure {
  readonly endpoint: URL;
  readonly error: unknown;
}

/** An endpoint does not serve etcd's v2 API. */
export class ApiMissingError extends Error {
  constructor() {
    super('no v2 API');
  }
}

/** A request that is refused, as it would be by any other member. */
export class RefusedError extends Error {}

/**
 * Returns what went wrong at all endpoints that were asked, in words an operator can act on. The words are
 * the same for the same outage: of several failures of an endpoint, the last one counts that shows what to
 * do, else the last one.
 */
export function unavailable(failures: readonly Failure[]): RegistryUnavailableError {
  const explained = new Map<string, Explanation>();
  for (const { endpoint, error } of failures) {
    const found = explain(error);
    const before = explained.get(endpoint.origin);
    if (!before || isAdvice(found) || !isAdvice(before)) explained.set(endpoint.origin, found);
  }
  const problems = [...explained].map(([origin, { problem }]) => `${origin}: ${problem}`).sort();
  const remedies = new Set([...explained.values()].map(({ remedy }) => remedy).sort());
  remedies.delete(undefined);
  const cause =
    failures.length === 1 ? failures[0]!.error : new AggregateError(failures.map(({ error }) => error));
  if (remedies.size > 0) {
    const text = [...problems, ...remedies].join('; ');
    return new RegistryAccessError(`etcd refuses us: ${text}`, { cause });
  }
  const isRefused = failures.some(({ error }) => error instanceof RefusedError);
  const what = isRefused ? 'etcd refuses the request' : 'etcd is unavailable';
  return new RegistryUnavailableError(`${what}: ${problems.join('; ')}`, { cause });
}

/** Whether a call failed where an endpoint does not serve the v2 API. */
export function isApiMissing(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isApiMissing);
  if (error instanceof RegistryUnavailableError) return isApiMissing(error.cause);
  return error instanceof ApiMissingError;
}

const FILES = 'check the files in etcd-cafile, etcd-certfile and etcd-keyfile';
const USER = 'give etcd-username and etcd-password of a user that etcd knows';

/** Texts of etcd, TLS and the file system that show a mistake in the set-up, and the remedy; the first match counts. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/^etcd-password-file: /, 'check the file in etcd-password-file'],
  [/ENOENT|EACCES|EISDIR|PEM routines|DECODER|x509 certificate routines/, FILES],
  [
    /alert .*(certificate|unknown ca)/i,
    'give a client certificate that etcd trusts with etcd-certfile and etcd-keyfile',
  ],
  [/altnames/, "write a name or address that etcd's certificate is for in etcd-endpoints"],
  [/certificate has expired/, "renew etcd's certificate"],
  [/unable to (get|verify)|self.signed/, "give the authority of etcd's certificate with etcd-cafile"],
  [/invalid user ID or password|user name is empty/, USER],
  [/requires user authentication/, `${USER} and lets read and write all keys under etcd-prefix`],
  [/no v2 API/, 'start etcd with --enable-v2, or choose another etcd-api'],
  [
    /permission denied/,
    'let the user read and write all keys under etcd-prefix (etcdctl role grant-permission)',
  ],
];

/** Parts of the texts of gRPC, Node and TLS that mean nothing to an operator, and their replacements. */
const WORDINGS: readonly (readonly [RegExp, string])[] = [
  [/\s+/g, ' '],
  [/^\d+ [A-Z_]+: (No connection established\. Last error: )?/, ''],
  [/^Error( \[\w+\])?: /, ''],
  [/\. Resolution note:.*$/, ''],
  [/ ?\([\d-]+T[\d:.]+Z\)$/, ''],
  [/^.*:ssl\/tls (alert [\w ]+):.*$/, 'TLS $1'],
  [/; if the root CA is installed locally.*$/, ''],
  [/^Deadline exceeded.*$/, 'no answer in time'],
  [/^null$/, 'the connection broke'],
  [
    /^(Failed to connect|socket hang up)$/,
    'connection closed at once; if etcd serves TLS, write https:// in etcd-endpoints',
  ],
  [/^.*:wrong version number:.*$/, 'no TLS; if etcd serves none, write http:// in etcd-endpoints'],
  [/^Client network socket disconnected.*$/, 'no TLS; if etcd serves none, write http:// in etcd-endpoints'],
];

interface Explanation {
  readonly problem: string;
  readonly remedy: string | undefined;
}

/** Whether an explanation shows what to do: by a remedy, or where one side speaks no TLS. */
function isAdvice({ problem, remedy }: Explanation): boolean {
  return remedy !== undefined || problem.includes('; if etcd serves');
}

function explain(error: unknown): Explanation {
  const text = error instanceof Error ? error.message : String(error);
  const problem = WORDINGS.reduce((words, [pattern, wording]) => words.replace(pattern, wording), text);
  return { problem, remedy: REMEDIES.find(([pattern]) => pattern.test(text))?.[1] };
}
