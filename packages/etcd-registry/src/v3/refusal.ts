import { status } from '@grpc/grpc-js';
import { RefusedError } from '../failure.ts';

/** The codes that etcd refuses a request with while the member works. */
const REFUSALS: ReadonlySet<number> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.PERMISSION_DENIED,
  status.RESOURCE_EXHAUSTED,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
]);

/** Returns a {@link RefusedError} for a refusal by etcd, and any other error as it is. */
export function asRefusal(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // etcd3 keeps gRPC's code in the message only.
  const code = Number(/^(\d+) [A-Z_]+: etcdserver: /.exec(error.message)?.[1]);
  return REFUSALS.has(code) ? new RefusedError(error.message, { cause: error }) : error;
}

/** Whether etcd does not take a token, or none: it has expired, or users have changed since. */
export function isTokenStale(error: unknown): boolean {
  return error instanceof Error && STALE.test(error.message);
}

const STALE = /token expired|revision of auth store is old|revision in header is old|user name is empty/;
