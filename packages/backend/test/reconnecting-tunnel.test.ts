import { parseAddress, parseInterfaceAddress, parsePrefix } from '@flannel-ts/ip';
import type { TunnelRoute } from '@flannel-ts/tunnel';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BackendEvent } from '../src/index.ts';
import {
  openReconnectingTunnel,
  type ReconnectingTunnel,
  type TunnelRequest,
} from '../src/reconnecting-tunnel.ts';
import { createFakeTunnel } from './support/fake-tunnel.ts';

let fake: ReturnType<typeof createFakeTunnel>;
let events: BackendEvent['kind'][];
let tunnel: ReconnectingTunnel;
/** What part of the longest possible delay passes before each attempt. */
let random: number;

function route(number: number): TunnelRoute {
  const peer = { address: parseAddress(`192.0.2.${number}`), port: 8285 };
  return { destination: parsePrefix(`10.5.${number}.0/24`), peer };
}

const noteKind: TunnelRequest['onEvent'] = ({ kind }) => events.push(kind);

function request(port = 8285, onEvent = noteKind): TunnelRequest {
  const socket = { address: parseAddress('192.0.2.1'), port };
  return { options: { tun: { name: 'flannel0', mtu: 1472 }, socket }, onEvent };
}

beforeEach(() => {
  vi.useFakeTimers();
  fake = createFakeTunnel();
  events = [];
  random = 0.5;
  tunnel = openReconnectingTunnel({ openTunnel: fake.open, random: () => random }, request());
  tunnel.setLocalSubnets([parseInterfaceAddress('10.5.1.0/24')]);
  tunnel.setRoutes([route(2), route(3)]);
});
afterEach(async () => {
  tunnel[Symbol.dispose]();
  await vi.runAllTimersAsync();
  expect(fake.state()).toBeUndefined();
  vi.useRealTimers();
});

describe('a tunnel that failed', () => {
  it('is opened again at once, with everything that it knew', () => {
    tunnel.updateRoutes({ add: [route(4)], remove: [route(2).destination] });
    const before = fake.state();
    expect(before).toEqual(['local 10.5.1.0/24', '10.5.3.0/24 192.0.2.3:8285', '10.5.4.0/24 192.0.2.4:8285']);
    fake.fail();
    expect(fake.state()).toEqual(before);
    expect(events).toEqual(['tunnel-failed', 'tunnel-reopened']);
  });

  it('takes in changes while it cannot be opened, and reports once that it cannot', async () => {
    fake.refuse(3);
    fake.fail();
    tunnel.updateRoutes({ add: [route(4)], remove: [route(2).destination] });
    await vi.runAllTimersAsync();
    expect(fake.state()).toEqual([
      'local 10.5.1.0/24',
      '10.5.3.0/24 192.0.2.3:8285',
      '10.5.4.0/24 192.0.2.4:8285',
    ]);
    expect(events).toEqual(['tunnel-failed', 'tunnel-failed', 'tunnel-reopened']);
  });

  it('takes in a whole new table while it cannot be opened', async () => {
    fake.refuse(1);
    fake.fail();
    tunnel.setLocalSubnets([parseInterfaceAddress('10.5.9.0/24')]);
    tunnel.setRoutes([route(5)]);
    await vi.runAllTimersAsync();
    expect(fake.state()).toEqual(['local 10.5.9.0/24', '10.5.5.0/24 192.0.2.5:8285']);
  });

  it('takes in its expiry while it cannot be opened', async () => {
    fake.refuse(1);
    fake.fail();
    tunnel.setExpiry(1_000);
    await vi.runAllTimersAsync();
    expect(fake.expiry()).toBe(1_000);
  });

  it('returns the counts of before while it is closed', () => {
    fake.carry();
    fake.refuse(1);
    fake.fail();
    expect(tunnel.stats().sent.packets).toBe(1);
  });

  it('is not opened again after it was disposed of', async () => {
    fake.refuse(1);
    fake.fail();
    tunnel[Symbol.dispose]();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(fake.opened).toHaveLength(1);
  });

  it('is opened again whatever the error is, of a change or of the replay, and nothing is thrown', async () => {
    fake.refuseChange();
    tunnel.updateRoutes({ add: [route(4)], remove: [] });
    expect(fake.state()).toContain('10.5.4.0/24 192.0.2.4:8285');
    fake.refuse(1);
    fake.fail();
    fake.refuseChange();
    await vi.runAllTimersAsync();
    expect(fake.state()).toContain('10.5.4.0/24 192.0.2.4:8285');
    expect(events.filter((kind) => kind === 'tunnel-reopened')).toHaveLength(2);
  });
});

describe('a tunnel that does not close cleanly', () => {
  it('is reported, and opened again all the same', () => {
    fake.failToClose();
    fake.fail();
    expect(fake.state()).toContain('10.5.2.0/24 192.0.2.2:8285');
    expect(events).toEqual(['tunnel-failed', 'tunnel-failed', 'tunnel-reopened']);
  });

  it('is handed over and disposed of without an exception', () => {
    fake.failToClose();
    tunnel.handOver(request(9000));
    fake.failToClose();
    tunnel[Symbol.dispose]();
    expect(events).toEqual(['tunnel-failed', 'tunnel-failed']);
  });
});

describe('attempts to open a tunnel again', () => {
  /** The times of the next attempts in milliseconds, from the failure on. */
  async function attempts(count: number): Promise<number[]> {
    const times: number[] = [];
    const start = performance.now();
    fake.onAttempt(() => times.push(performance.now() - start));
    fake.refuse(count - 1);
    fake.fail();
    await vi.runAllTimersAsync();
    return times;
  }

  it('are made after a random part of a span that doubles up to a minute', async () => {
    const spans = [0, 1, 2, 4, 8, 16, 32, 60, 60];
    const expected = spans.map((_, index) =>
      spans.slice(0, index + 1).reduce((sum, span) => sum + span * 500, 0),
    );
    expect(await attempts(spans.length)).toEqual(expected);
    random = 0.25;
    vi.advanceTimersByTime(60_000);
    expect(await attempts(3)).toEqual([0, 250, 750]);
  });

  it('are delayed on while the tunnel fails again soon after each, and start over after a minute', async () => {
    expect(await attempts(1)).toEqual([0]);
    expect(await attempts(1)).toEqual([500]);
    expect(await attempts(1)).toEqual([1_000]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await attempts(1)).toEqual([0]);
  });
});

describe('a tunnel that is handed over', () => {
  it('is the same one for the same options: it is not opened, and loses no route', () => {
    const before = fake.state();
    tunnel.handOver(request());
    expect(fake.opened).toHaveLength(1);
    expect(fake.state()).toEqual(before);
  });

  it('reports at once whether it has a fast path to the backend that has it now', () => {
    const later: BackendEvent[] = [];
    const { options } = request();
    const fast = { options: { ...options, underlay: 'eth0', fastPath: true }, onEvent: () => undefined };
    tunnel.handOver(fast);
    tunnel.handOver({ ...fast, onEvent: (event) => later.push(event) });
    expect(fake.opened).toHaveLength(2);
    expect(later).toEqual([{ kind: 'fast-path', state: { on: true } }]);
  });

  it('is opened with other options, with the subnets and routes of before', () => {
    const before = fake.state();
    tunnel.handOver(request(9000));
    expect(fake.opened.map(({ socket }) => socket.port)).toEqual([8285, 9000]);
    expect(fake.state()).toEqual(before);
  });

  it('is opened at once when it waits to be opened again, and only once', async () => {
    fake.refuse(2);
    fake.fail();
    await vi.advanceTimersByTimeAsync(100);
    fake.refuse(0);
    tunnel.handOver(request());
    expect(fake.state()).toContain('10.5.2.0/24 192.0.2.2:8285');
    expect(events.at(-1)).toBe('tunnel-reopened');
    await vi.runAllTimersAsync();
    expect(fake.opened).toHaveLength(2);
  });

  it('reports to the backend that has it now', () => {
    const later: BackendEvent['kind'][] = [];
    tunnel.handOver(request(8285, ({ kind }) => later.push(kind)));
    fake.fail();
    expect(events).toEqual([]);
    expect(later).toEqual(['tunnel-failed', 'tunnel-reopened']);
  });

  it('rejects the request when it cannot be opened, and can be handed over again', () => {
    fake.refuse(1);
    expect(() => tunnel.handOver(request(9000))).toThrow('cannot open the tunnel');
    expect(fake.state()).toBeUndefined();
    tunnel.handOver(request(9000));
    expect(fake.state()).toContain('10.5.2.0/24 192.0.2.2:8285');
  });
});
