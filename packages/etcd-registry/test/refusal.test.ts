import { describe, expect, it } from 'vitest';
import { RefusedError } from '../src/failure.ts';
import { asRefusal, isTokenStale } from '../src/v3/refusal.ts';

const isRefusal = (text: string) => asRefusal(new Error(text)) instanceof RefusedError;

describe('an error of a request over v3', () => {
  it('is a refusal when etcd says so', () => {
    for (const text of [
      '7 PERMISSION_DENIED: etcdserver: permission denied',
      '3 INVALID_ARGUMENT: etcdserver: authentication failed, invalid user ID or password',
      '5 NOT_FOUND: etcdserver: requested lease not found',
      '8 RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded',
    ])
      expect(isRefusal(text)).toBe(true);
  });

  it('is a failure of the member or the way to it otherwise', () => {
    for (const text of [
      '14 UNAVAILABLE: etcdserver: no leader',
      '14 UNAVAILABLE: Connection dropped',
      '4 DEADLINE_EXCEEDED: Deadline exceeded after 3.0s',
      '7 PERMISSION_DENIED: RBAC: access denied by the proxy',
      '2 UNKNOWN: Stream removed',
    ])
      expect(isRefusal(text)).toBe(false);
  });

  it('shows that the token is stale', () => {
    for (const text of [
      '16 UNAUTHENTICATED: token expired',
      '3 INVALID_ARGUMENT: etcdserver: revision of auth store is old',
      '3 INVALID_ARGUMENT: etcdserver: user name is empty',
      '2 UNKNOWN: auth: revision in header is old',
    ])
      expect(isTokenStale(new Error(text))).toBe(true);
    expect(isTokenStale(new Error('7 PERMISSION_DENIED: etcdserver: permission denied'))).toBe(false);
  });
});
