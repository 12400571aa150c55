import { parseAddress } from '@flannel-ts/ip';
import { inNamespace } from '@flannel-ts/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  countOutgoingIpsecPolicies,
  NetlinkError,
  openSynchronousNetlink,
  type NewLink,
  type Operation,
  type SynchronousNetlink,
} from '../src/index.ts';
import { createHost, type Host } from './support/host.ts';

let host: Host;
let eth0: number;
/** Opened in the namespace of the host; the thread has left that since. */
let netlink: SynchronousNetlink;
beforeEach(async () => {
  host = await createHost();
  eth0 = (await host.link('eth0')).index;
  netlink = inNamespace(host.namespace.path, openSynchronousNetlink);
});
afterEach(async () => {
  netlink[Symbol.dispose]();
  await host[Symbol.asyncDispose]();
});

const vx70: NewLink = { kind: 'vxlan', name: 'vx70', vni: 70, port: 4790, learning: false, gbp: false };
const missing: Operation = { op: 'delete-link', index: 9999 };

function refusal(operation: Operation): unknown {
  try {
    netlink.request(operation);
  } catch (error) {
    return error;
  }
  throw new Error('the kernel did not refuse it');
}

it('has carried out each operation before the next line runs', async () => {
  const index = inNamespace(host.namespace.path, () => {
    using inside = openSynchronousNetlink();
    inside.request({ op: 'create-link', link: vx70 });
    const found = inside.findLink('vx70')!;
    inside.request({ op: 'set-link', index: found.index, up: true, mtu: 1430 });
    const address = { address: parseAddress('10.5.1.0'), prefixLength: 32, scope: 'global' } as const;
    inside.request({ op: 'put-address', address: { linkIndex: found.index, ...address } });
    return found.index;
  });
  expect(await host.ipLink('vx70')).toMatchObject({
    ...{ ifindex: index, mtu: 1430, flags: expect.arrayContaining(['UP']) as unknown },
    linkinfo: { info_kind: 'vxlan', info_data: { id: 70, port: 4790, learning: false } },
  });
  expect(await host.netlink.addresses({ linkIndex: index, family: 4 })).toMatchObject([
    { address: parseAddress('10.5.1.0') },
  ]);
});

it('writes and reads the alias of a link', async () => {
  const alias = `${'a'.repeat(250)} é.`;
  const found = inNamespace(host.namespace.path, () => {
    using inside = openSynchronousNetlink();
    inside.request({ op: 'create-link', link: { ...vx70, name: 'vx71', vni: 71 } });
    const { index } = inside.findLink('vx71')!;
    inside.request({ op: 'set-link', index, alias });
    return inside.findLink('vx71')!;
  });
  expect(found.alias).toBe(alias);
  expect(await host.ipLink('vx71')).toMatchObject({ ifalias: alias });
});

it('stays in its namespace when the thread has left that', async () => {
  const name = `ftlab${process.pid}`;
  netlink.request({ op: 'create-link', link: { kind: 'bridge', name } });
  expect(await host.ipLink(name)).toMatchObject({ linkinfo: { info_kind: 'bridge' } });
  using outside = openSynchronousNetlink();
  expect(netlink.findLink(name)).toBeDefined();
  expect(outside.findLink(name)).toBeUndefined();
});

describe('findLink', () => {
  /** As long as a name may be. */
  const longest = 'fifteen-letters';

  it('finds a link by its name, and tells whether it has Ethernet headers', async () => {
    const add = (index: number, ...link: string[]) =>
      host.namespace.run('ip', 'link', 'add', 'index', `${index}`, ...link);
    await add(70, 'name', 'br0', 'type', 'bridge');
    await add(71, 'name', 'gpe0', 'type', 'vxlan', 'dstport', '4790', 'external', 'gpe');
    expect(netlink.findLink('br0')).toEqual({ index: 70, ethernet: true, alias: '' });
    expect(netlink.findLink('gpe0')).toEqual({ index: 71, ethernet: false, alias: '' });
    expect(netlink.findLink('lo')).toEqual({ index: 1, ethernet: false, alias: '' });
  });

  it('finds nothing for a name that no link has', () => {
    expect(netlink.findLink('br1')).toBeUndefined();
    expect(netlink.findLink('')).toBeUndefined();
  });

  it('does not cut a name that is too long', () => {
    netlink.request({ op: 'create-link', link: { kind: 'bridge', name: longest } });
    expect(netlink.findLink(longest)).toMatchObject({ ethernet: true });
    expect(netlink.findLink(`${longest}-`)).toBeUndefined();
    expect(netlink.findLink('x'.repeat(1_000))).toBeUndefined();
  });
});

describe('countOutgoingIpsecPolicies', () => {
  it('counts those for outgoing packets, in the namespace of this thread', async () => {
    const count = () => inNamespace(host.namespace.path, countOutgoingIpsecPolicies);
    const add = (direction: string, network: string) =>
      host.namespace.run(
        ...['ip', 'xfrm', 'policy', 'add', 'dst', network, 'dir', direction],
        ...['tmpl', 'proto', 'esp', 'mode', 'transport'],
      );
    expect(count()).toBe(0);
    await add('in', '192.0.2.0/24');
    expect(count()).toBe(0);
    await add('out', '192.0.2.0/24');
    await add('out', '198.51.100.0/24');
    expect(count()).toBe(2);
  });
});

const cases: [string, () => Operation, facts: Partial<NetlinkError>][] = [
  [
    'a name that is taken',
    () => ({ op: 'create-link', link: { ...vx70, name: 'eth0' } }),
    { errno: 17, code: 'EEXIST', operation: 'link add eth0 type vxlan' },
  ],
  [
    'a link that is not there',
    () => missing,
    { errno: 19, code: 'ENODEV', message: 'link delete dev 9999: ENODEV' },
  ],
  [
    'an MTU that is too small',
    () => ({ op: 'set-link', index: eth0, mtu: 10 }),
    { errno: 22, code: 'EINVAL', kernelText: 'mtu less than device minimum' },
  ],
];

it.each(cases)('throws what the kernel says of %s', (_, makeOperation, facts) => {
  const error = refusal(makeOperation());
  expect(error).toBeInstanceOf(NetlinkError);
  expect(error).toMatchObject(facts);
});

it('goes on after errors, and each is that of its own operation', async () => {
  const notMac: Operation = { op: 'set-link', index: eth0, mac: '02:00' };
  expect(refusal(missing)).toMatchObject({ code: 'ENODEV' });
  netlink.request({ op: 'create-link', link: vx70 });
  expect(refusal(notMac)).toBeInstanceOf(RangeError);
  netlink.request({ op: 'set-link', index: eth0, mtu: 1400 });
  expect(refusal({ op: 'create-link', link: vx70 })).toMatchObject({ code: 'EEXIST' });
  expect(refusal(missing)).toMatchObject({ code: 'ENODEV' });
  expect(await host.link('vx70')).toMatchObject({ detail: { kind: 'vxlan' } });
  expect(await host.link('eth0')).toMatchObject({ mtu: 1400 });
});

it('is of no use after it was disposed of', () => {
  netlink[Symbol.dispose]();
  netlink[Symbol.dispose]();
  expect(refusal(missing)).toMatchObject({ code: 'EBADF', syscall: 'sendto AF_NETLINK' });
});
