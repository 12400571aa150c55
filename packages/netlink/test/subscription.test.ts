import type { NetlinkPortOptions } from '@flannel-ts/native';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { EventQueue } from '../src/event-queue.ts';
import {
  createNetlink,
  subscribe as subscribeAlone,
  type KernelEvent,
  type NetlinkConnection,
  type SubscriptionTopic,
} from '../src/index.ts';
import { FakePort } from './support/fake-port.ts';
import { hex, message } from './support/messages.ts';

/** `lo` removed, an address added on it, and a type that is not ours. */
const removedLink = message(17, { body: hex('00000000 01000000 00000000 00000000') });
const newAddress = message(20, { body: hex('02 08 00 fe 01000000 0800 0200 7f000001') });
const unknown = message(99, {});

let ports: FakePort[];
/** What each port was opened with. */
let opened: (NetlinkPortOptions | undefined)[];
let netlink: NetlinkConnection;
let subscriber: FakePort;

beforeEach(() => {
  ports = [];
  opened = [];
  netlink = createNetlink({
    openPort(options) {
      opened.push(options);
      const port = new FakePort();
      ports.push(port);
      return port;
    },
  });
});

function subscribe(signal?: AbortSignal): AsyncIterator<KernelEvent> {
  const events = netlink.subscribe({ ...(signal && { signal }) })[Symbol.asyncIterator]();
  subscriber = ports[1]!;
  return events;
}

describe('a subscription', () => {
  it('yields what is reported, also before the first read', async () => {
    const events = subscribe();
    subscriber.deliver(removedLink, unknown, newAddress);
    expect(await events.next()).toMatchObject({
      value: { kind: 'link', change: 'removed', link: { index: 1 } },
    });
    expect(await events.next()).toMatchObject({
      value: { kind: 'address', change: 'put', address: { prefixLength: 8, scope: 'host' } },
    });
    const next = events.next();
    subscriber.deliver(removedLink);
    expect(await next).toMatchObject({ value: { kind: 'link' } });
  });

  it('reports that the kernel dropped events, and goes on', async () => {
    const events = subscribe();
    subscriber.fail('ENOBUFS');
    subscriber.deliver(removedLink);
    expect(await events.next()).toMatchObject({ value: { kind: 'overrun' } });
    expect(await events.next()).toMatchObject({ value: { kind: 'link' } });
  });

  it('throws another error of the socket', async () => {
    const events = subscribe();
    subscriber.fail('ENOMEM');
    await expect(events.next()).rejects.toMatchObject({ code: 'ENOMEM' });
    expect(subscriber.closed).toBe(true);
  });

  it('ends at once when its signal aborts, whether or not anybody reads', async () => {
    const abort = new AbortController();
    const events = subscribe(abort.signal);
    subscriber.deliver(removedLink);
    abort.abort();
    expect(subscriber.closed).toBe(true);
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it('ends while it waits', async () => {
    const abort = new AbortController();
    const next = subscribe(abort.signal).next();
    abort.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('has ended when its signal has aborted before', async () => {
    expect(await subscribe(AbortSignal.abort()).next()).toEqual({ done: true, value: undefined });
    expect(subscriber.closed).toBe(true);
  });

  it('closes its socket when the reader leaves', async () => {
    const events = netlink.subscribe({});
    ports[1]!.deliver(removedLink);
    for await (const _ of events) break;
    expect(ports.map(({ closed }) => closed)).toEqual([false, true]);
  });
});

describe('a subscription joins the multicast groups', () => {
  const cases: [of: SubscriptionTopic[], groups: number[]][] = [
    [['link'], [1]],
    [['address'], [5, 9]],
    [['route'], [7, 11]],
    [['neighbour'], [3]],
    [
      ['link', 'route'],
      [1, 7, 11],
    ],
  ];
  it.each(cases)('of its topics: %j', (of, groups) => {
    netlink.subscribe({ of });
    expect(opened).toEqual([undefined, { groups }]);
  });

  it('needs no connection, and has one socket, which closes with it', async () => {
    const port = new FakePort();
    const openPort = vi.fn(() => port);
    const stop = new AbortController();
    const events = subscribeAlone({ openPort }, { signal: stop.signal, of: ['link'] })[
      Symbol.asyncIterator
    ]();
    port.deliver(removedLink);
    expect(await events.next()).toMatchObject({ value: { kind: 'link', change: 'removed' } });
    expect(openPort.mock.calls).toEqual([[{ groups: [1] }]]);
    stop.abort();
    expect(port.closed).toBe(true);
    expect((await events.next()).done).toBe(true);
  });

  it('of all topics by default', () => {
    netlink.subscribe({});
    expect(opened[1]!.groups!.toSorted((a, b) => a - b)).toEqual([1, 3, 5, 7, 9, 11]);
  });
});

it('a slow reader gets one overrun in place of what is too much', async () => {
  const queue = new EventQueue(2);
  const event = (index: number) => ({ kind: 'link', change: 'removed', link: { index } }) as KernelEvent;
  for (let index = 1; index <= 4; index++) queue.push(event(index));
  const events = queue.read();
  expect((await events.next()).value).toEqual({ kind: 'overrun' });
  expect((await events.next()).value).toEqual(event(4));
});
