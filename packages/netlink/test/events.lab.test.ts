import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { inNamespace, openNetlinkPort } from '@flannel-ts/native';
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createNetlink, type KernelEvent } from '../src/index.ts';
import { createHost, type Host } from './support/host.ts';

let host: Host;
let stop: AbortController;
let events: AsyncIterator<KernelEvent>;

beforeEach(async () => {
  host = await createHost();
  stop = new AbortController();
  events = host.netlink.subscribe({ signal: stop.signal })[Symbol.asyncIterator]();
});
afterEach(async () => {
  stop.abort();
  await host[Symbol.asyncDispose]();
});

const ip = (...args: string[]) => host.namespace.run('ip', ...args);

/** The next event of a kind that matches. */
async function next<Kind extends KernelEvent['kind']>(
  kind: Kind,
  matches: (event: KernelEvent & { kind: Kind }) => boolean = () => true,
): Promise<KernelEvent> {
  for (;;) {
    const { value, done } = (await events.next()) as IteratorResult<KernelEvent & { kind: Kind }, undefined>;
    if (done) throw new Error('the subscription has ended');
    if (value.kind === kind && matches(value)) return value;
  }
}

it('reports links', async () => {
  await ip('link', 'add', 'br0', 'type', 'bridge');
  const nextOfIt = () => next('link', ({ link }) => link.name === 'br0');
  expect(await nextOfIt()).toMatchObject({ change: 'put', link: { up: false } });
  await ip('link', 'set', 'br0', 'up', 'mtu', '1400');
  await next('link', ({ change, link }) => change === 'put' && link.up && link.mtu === 1400);
  await ip('link', 'delete', 'br0');
  await next('link', ({ change, link }) => change === 'removed' && link.name === 'br0');
});

it('reports addresses of both families', async () => {
  for (const [text, prefixLength] of [
    ['10.5.1.0', 32],
    ['fc00:5::1', 64],
  ] as const) {
    const address = { address: parseAddress(text), prefixLength, scope: 'global' };
    // The host's own addresses may still be checked for duplicates, which is reported, too.
    const nextOfIt = () => next('address', (event) => event.address.address.equals(address.address));
    await ip(
      'address',
      'add',
      `${text}/${prefixLength}`,
      'dev',
      'eth0',
      ...(prefixLength === 64 ? ['nodad'] : []),
    );
    expect(await nextOfIt()).toMatchObject({ change: 'put', address });
    await ip('address', 'delete', `${text}/${prefixLength}`, 'dev', 'eth0');
    expect(await nextOfIt()).toMatchObject({ change: 'removed', address });
  }
});

it('reports routes of both families', async () => {
  for (const [destination, gateway] of [
    ['10.5.2.0/24', '192.0.2.9'],
    ['fc00:2::/64', '2001:db8::9'],
  ] as const) {
    const route = { destination: parsePrefix(destination), gateway: parseAddress(gateway), protocol: 3 };
    const nextOfIt = () => next('route', (event) => event.route.destination.equals(route.destination));
    await ip('route', 'add', destination, 'via', gateway);
    expect(await nextOfIt()).toMatchObject({ change: 'put', route });
    await ip('route', 'delete', destination);
    expect(await nextOfIt()).toMatchObject({ change: 'removed', route });
  }
});

it('reports neighbours and FDB entries apart', async () => {
  await ip('link', 'add', 'vx', 'type', 'vxlan', 'id', '1', 'dstport', '8472', 'local', '192.0.2.1');
  const linkIndex = (await host.link('vx')).index;
  const mac = '02:00:00:00:00:02';
  const nextFdb = () => next('fdb', ({ entry }) => entry.mac === mac);
  await host.namespace.run('bridge', 'fdb', 'add', mac, 'dev', 'vx', 'dst', '192.0.2.2', 'self');
  expect(await nextFdb()).toMatchObject({
    change: 'put',
    entry: { linkIndex, mac, destination: parseAddress('192.0.2.2'), permanent: true },
  });
  await ip('neighbour', 'add', '10.5.2.0', 'lladdr', mac, 'dev', 'vx', 'nud', 'permanent');
  expect(await next('neighbour', ({ neighbour }) => neighbour.linkIndex === linkIndex)).toMatchObject({
    change: 'put',
    neighbour: { linkIndex, mac, address: parseAddress('10.5.2.0'), permanent: true },
  });
  await host.namespace.run('bridge', 'fdb', 'delete', mac, 'dev', 'vx', 'dst', '192.0.2.2', 'self');
  expect(await nextFdb()).toMatchObject({ change: 'removed', entry: { mac } });
});

it('reports links and nothing else to a subscriber of links', async () => {
  const ofLinks = host.netlink.subscribe({ signal: stop.signal, of: ['link'] });
  await ip('link', 'add', 'br0', 'type', 'bridge');
  await ip('route', 'add', '10.5.2.0/24', 'via', '192.0.2.9');
  await next('route', ({ route }) => route.destination.equals(parsePrefix('10.5.2.0/24')));
  await ip('link', 'add', 'br1', 'type', 'bridge');
  const heard: KernelEvent[] = [];
  for await (const event of ofLinks) {
    heard.push(event);
    if (event.kind === 'link' && event.link.name === 'br1') break;
  }
  expect(heard.filter(({ kind }) => kind !== 'link')).toEqual([]);
  expect(heard.some((event) => event.kind === 'link' && event.link.name === 'br0')).toBe(true);
});

it('says when the kernel dropped events, and goes on', async () => {
  const netlink = createNetlink({
    openPort: (options) =>
      inNamespace(host.namespace.path, () => openNetlinkPort({ ...options, receiveBufferBytes: 4096 })),
  });
  await using _ = netlink;
  events = netlink.subscribe({ signal: stop.signal })[Symbol.asyncIterator]();
  const lines = Array.from(
    { length: 1_000 },
    (_, index) => `route add 10.5.2.0/24 dev eth0 metric ${index + 1}`,
  );
  // Holds up the event loop, so that nobody reads the socket.
  execFileSync('ip', ['-n', host.namespace.namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` });
  expect(await next('overrun')).toEqual({ kind: 'overrun' });
  expect((await netlink.routes({ family: 4 })).filter(({ metric }) => metric)).toHaveLength(1_000);
  await ip('link', 'add', 'br0', 'type', 'bridge');
  await next('link', ({ link }) => link.name === 'br0');
});
