import { parsePrefix } from '@flannel-ts/ip';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createPeerPaths } from '../src/peer-paths.ts';
import { endpoint } from './support/overlay.ts';

const BEGIN = Date.parse('2026-01-01T00:00:00Z');
const SUBNET = '10.5.2.0/24';

beforeEach(() => void vi.useFakeTimers({ now: BEGIN, toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const route = (fastPath: boolean, address = '192.0.2.2', destination = SUBNET) => ({
  destination: parsePrefix(destination),
  peer: { ...endpoint(address), fastPath },
});
const path = (paths: ReturnType<typeof createPeerPaths>, destination = SUBNET) => {
  const { since, ...rest } = paths.of(parsePrefix(destination));
  return { ...rest, afterMs: since.getTime() - BEGIN };
};

it('names the obstacle: this host, the peer, or the address family', () => {
  const without = createPeerPaths({ on: false, reason: 'old kernel' });
  without.setRoutes([route(true)]);
  const reason = 'this host has no fast path: old kernel';
  expect(path(without)).toEqual({ kind: 'user-space', reason, afterMs: 0 });

  const paths = createPeerPaths({ on: true });
  const ipv6 = 'fc00:0:0:2::/64';
  paths.setRoutes([route(false), route(true, '192.0.2.2', ipv6), route(true, '192.0.2.3', '10.5.3.0/24')]);
  expect(path(paths)).toMatchObject({ kind: 'user-space', reason: 'the peer offers no fast path' });
  expect(path(paths, ipv6)).toMatchObject({ reason: 'the fast path carries IPv4 only' });
  expect(path(paths, '10.5.3.0/24')).toEqual({ kind: 'fast', afterMs: 0 });
});

it('knows since when: from the last change of the path or of the peer on', () => {
  const paths = createPeerPaths({ on: true });
  const after = (ms: number, change: () => void) => {
    vi.setSystemTime(BEGIN + ms);
    change();
    return path(paths);
  };
  const put = (fastPath: boolean, address?: string) =>
    paths.updateRoutes({ add: [route(fastPath, address)], remove: [] });
  expect(after(1, () => put(false))).toMatchObject({ kind: 'user-space', afterMs: 1 });
  expect(after(2, () => put(false))).toMatchObject({ afterMs: 1 });
  expect(after(3, () => put(true))).toEqual({ kind: 'fast', afterMs: 3 });
  expect(after(4, () => paths.setRoutes([route(true)]))).toMatchObject({ afterMs: 3 });
  expect(after(5, () => put(true, '192.0.2.9'))).toMatchObject({ afterMs: 5 });
  const again = () => {
    paths.setRoutes([]);
    put(true, '192.0.2.9');
  };
  expect(after(6, again)).toMatchObject({ afterMs: 6 });
});
