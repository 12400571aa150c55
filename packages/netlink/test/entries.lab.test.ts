import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LinkAddress, NewRoute } from '../src/index.ts';
import { createHost, type Host } from './support/host.ts';

let host: Host;
/** Index of the VXLAN device `vx`. */
let vx: number;

beforeEach(async () => {
  host = await createHost();
  const parentIndex = (await host.link('eth0')).index;
  const local = parseAddress('192.0.2.1');
  await host.netlink.request({
    op: 'create-link',
    link: { kind: 'vxlan', name: 'vx', vni: 1, port: 8472, parentIndex, local, learning: false, gbp: false },
  });
  vx = (await host.link('vx')).index;
  await host.netlink.request({ op: 'set-link', index: vx, up: true });
});
afterEach(() => host[Symbol.asyncDispose]());

const ip = (...args: string[]) => host.namespace.run('ip', ...args);
const ipJson = (...args: string[]) => host.namespace.json<unknown[]>('ip', '-json', ...args);

describe('addresses', () => {
  it.each([
    ['10.5.1.0', 32, 'global'],
    ['10.5.1.1', 24, 'link'],
    ['fc00:5::1', 64, 'global'],
  ] as const)('%s/%i', async (text, prefixLength, scope) => {
    const address: LinkAddress = { linkIndex: vx, address: parseAddress(text), prefixLength, scope };
    await host.netlink.request({ op: 'put-address', address });
    await host.netlink.request({ op: 'put-address', address });
    const [link] = await ipJson('address', 'show', 'dev', 'vx');
    expect(link).toMatchObject({
      addr_info: expect.arrayContaining([
        expect.objectContaining({ local: text, prefixlen: prefixLength, scope }),
      ]) as unknown,
    });
    const family = address.address.family;
    expect(await host.netlink.addresses({ linkIndex: vx, family })).toContainEqual(address);
    await host.netlink.request({ op: 'delete-address', address });
    expect(await host.netlink.addresses({ linkIndex: vx, family })).not.toContainEqual(address);
  });

  it('of a point-to-point link: the near end', async () => {
    await ip('address', 'add', '10.9.0.1', 'peer', '10.9.0.2/32', 'dev', 'eth0');
    const addresses = await host.netlink.addresses({ family: 4 });
    expect(addresses).toContainEqual(expect.objectContaining({ address: parseAddress('10.9.0.1') }));
  });
});

describe('routes', () => {
  const onVxlan = (): NewRoute => ({
    ...{ destination: parsePrefix('10.5.2.0/24'), kind: 'unicast', linkIndex: vx, onlink: true },
    ...{ gateway: parseAddress('10.5.2.0'), scope: 'global', table: 254, protocol: 3, multipath: false },
  });
  const onEth0 = async (): Promise<NewRoute> => {
    const { index } = await host.link('eth0');
    return { ...onVxlan(), linkIndex: index, gateway: parseAddress('192.0.2.9'), onlink: false };
  };
  const show = (...args: string[]) => ipJson('-details', 'route', 'show', ...args);

  it('of the vxlan backend, as `ip route` shows them', async () => {
    await host.netlink.request({ op: 'put-route', route: onVxlan() });
    expect((await ip('route', 'show', 'dev', 'vx')).trim()).toBe('10.5.2.0/24 via 10.5.2.0 onlink');
    expect(await show('dev', 'vx')).toEqual([
      expect.objectContaining({ protocol: 'boot', scope: 'global', type: 'unicast', flags: ['onlink'] }),
    ]);
    const [route] = await host.netlink.routes({ linkIndex: vx, family: 4 });
    expect(route).toEqual(onVxlan());
  });

  it('with metric, table and source', async () => {
    const route: NewRoute = {
      ...(await onEth0()),
      ...{ metric: 50, table: 1000, source: parseAddress('192.0.2.1'), protocol: 4 },
    };
    await host.netlink.request({ op: 'put-route', route });
    expect(await show('table', '1000')).toEqual([
      expect.objectContaining({ metric: 50, prefsrc: '192.0.2.1', protocol: 'static', gateway: '192.0.2.9' }),
    ]);
    expect(await host.netlink.routes()).toContainEqual(route);
    await host.netlink.request({ op: 'delete-route', route });
    expect(await host.netlink.routes()).not.toContainEqual(route);
  });

  it('a put replaces the next hop in place, onlink or not, and a blackhole', async () => {
    const blackhole: NewRoute = {
      ...{ ...onVxlan(), kind: 'blackhole', linkIndex: undefined, gateway: undefined, onlink: false },
    };
    for (const route of [blackhole, await onEth0(), onVxlan(), await onEth0(), blackhole]) {
      await host.netlink.request({ op: 'put-route', route });
      const routes = await host.netlink.routes({ family: 4 });
      const found = routes.filter(({ destination }) => destination.equals(route.destination));
      expect(found).toEqual([route]);
    }
  });

  it('a put of what is there succeeds', async () => {
    expect(await host.netlink.batch(Array(3).fill({ op: 'put-route', route: onVxlan() }))).toEqual(
      Array(3).fill(undefined),
    );
    expect(await host.netlink.routes({ linkIndex: vx, family: 4 })).toHaveLength(1);
  });

  it('another metric is another route', async () => {
    const second = { ...(await onEth0()), metric: 10 };
    await host.netlink.batch([
      { op: 'put-route', route: onVxlan() },
      { op: 'put-route', route: second },
    ]);
    const routes = (await host.netlink.routes()).filter((route) =>
      route.destination.equals(second.destination),
    );
    expect(routes).toHaveLength(2);
    await host.netlink.request({ op: 'delete-route', route: second });
    expect(await host.netlink.routes()).toContainEqual(onVxlan());
  });

  it('IPv6: a put replaces the next hop', async () => {
    const route: NewRoute = {
      ...{ ...onVxlan(), destination: parsePrefix('fc00:2::/64'), gateway: parseAddress('fc00:9::') },
      metric: 1024,
    };
    const other = {
      ...(await onEth0()),
      destination: route.destination,
      gateway: parseAddress('2001:db8::9'),
    };
    await host.netlink.request({ op: 'put-route', route: other });
    await host.netlink.request({ op: 'put-route', route });
    const routes = await host.netlink.routes({ family: 6 });
    expect(routes.filter(({ destination }) => destination.equals(route.destination))).toEqual([route]);
    expect((await ip('-6', 'route', 'show', 'fc00:2::/64')).trim()).toBe(
      'fc00:2::/64 via fc00:9:: dev vx metric 1024 onlink pref medium',
    );
    await host.netlink.request({ op: 'delete-route', route: { ...route, metric: undefined } });
    expect(await host.netlink.routes({ family: 6 })).not.toContainEqual(route);
  });

  it('of several with one key, a put replaces the first and never one behind it', async () => {
    const route = await onEth0();
    await ip('route', 'add', '10.5.2.0/24', 'via', '192.0.2.8');
    await ip('route', 'append', '10.5.2.0/24', 'via', '192.0.2.9');
    const failed = host.netlink.request({ op: 'put-route', route });
    await expect(failed).rejects.toMatchObject({ code: 'EEXIST' });
    await host.netlink.request({ op: 'put-route', route: { ...route, gateway: parseAddress('192.0.2.7') } });
    expect((await ip('route', 'show', '10.5.2.0/24')).match(/192\S+/g)).toEqual(['192.0.2.7', '192.0.2.9']);
  });

  it('with several next hops are read: the first one', async () => {
    await ip(
      ...['route', 'add', '10.7.0.0/16', 'nexthop', 'via', '192.0.2.7', 'dev', 'eth0'],
      ...['nexthop', 'via', '10.7.7.7', 'dev', 'vx', 'onlink'],
    );
    const eth0 = (await host.link('eth0')).index;
    const route = (await host.netlink.routes({ family: 4 })).find(({ multipath }) => multipath);
    expect(route).toMatchObject({ linkIndex: eth0, gateway: parseAddress('192.0.2.7'), onlink: false });
  });

  it('are looked up as the kernel would use them', async () => {
    await host.netlink.request({ op: 'put-route', route: onVxlan() });
    expect(await host.netlink.routeTo(parseAddress('10.5.2.9'))).toMatchObject({
      linkIndex: vx,
      gateway: parseAddress('10.5.2.0'),
      source: parseAddress('192.0.2.1'),
    });
    expect(await host.netlink.routeTo(parseAddress('2001:db8::2'))).toMatchObject({
      linkIndex: (await host.link('eth0')).index,
      source: parseAddress('2001:db8::1'),
    });
  });
});

describe('neighbours', () => {
  it.each(['10.5.2.0', 'fc00:2::'])('%s', async (text) => {
    const address = parseAddress(text);
    const neighbour = { linkIndex: vx, address, mac: '02:00:00:00:00:02', permanent: true };
    await host.netlink.request({
      op: 'put-neighbour',
      neighbour: { ...neighbour, mac: '02:00:00:00:00:01' },
    });
    await host.netlink.request({ op: 'put-neighbour', neighbour });
    expect(await ipJson('neighbour', 'show', 'dev', 'vx', 'to', text)).toEqual([
      { dst: text, lladdr: '02:00:00:00:00:02', state: ['PERMANENT'] },
    ]);
    expect(await host.netlink.neighbours({ linkIndex: vx, family: address.family })).toContainEqual(
      neighbour,
    );
    await host.netlink.request({ op: 'delete-neighbour', neighbour });
    expect(await host.netlink.neighbours({ linkIndex: vx })).not.toContainEqual(neighbour);
  });

  it('that age out', async () => {
    const address = parseAddress('10.5.2.0');
    const neighbour = { linkIndex: vx, address, mac: '02:00:00:00:00:02', permanent: false };
    await host.netlink.request({ op: 'put-neighbour', neighbour });
    expect(await host.netlink.neighbours({ linkIndex: vx })).toContainEqual(neighbour);
  });
});

describe('FDB entries', () => {
  const show = () => host.namespace.json<unknown[]>('bridge', '-json', 'fdb', 'show', 'dev', 'vx');
  const put = (mac: string, destination: string, permanent = true) => {
    const entry = { linkIndex: vx, mac, destination: parseAddress(destination), permanent };
    return host.netlink.request({ op: 'put-fdb', entry });
  };

  it('a put replaces the destination', async () => {
    await put('02:00:00:00:00:02', '192.0.2.2');
    await put('02:00:00:00:00:02', '192.0.2.3');
    await put('02:00:00:00:00:02', '192.0.2.3');
    expect(await show()).toEqual([
      { mac: '02:00:00:00:00:02', flags: ['self'], dst: '192.0.2.3', state: 'permanent' },
    ]);
    const [entry] = await host.netlink.fdb({ linkIndex: vx });
    expect(entry).toEqual({
      ...{ linkIndex: vx, mac: '02:00:00:00:00:02', destination: parseAddress('192.0.2.3'), permanent: true },
    });
    await host.netlink.request({ op: 'delete-fdb', entry: entry! });
    expect(await show()).toEqual([]);
  });

  it('that age out', async () => {
    await put('02:00:00:00:00:02', '192.0.2.2', false);
    expect(await host.netlink.fdb({ linkIndex: vx })).toMatchObject([{ permanent: false }]);
  });

  it('of other devices are left out', async () => {
    await ip('link', 'add', 'br0', 'type', 'bridge');
    await ip('link', 'set', 'far', 'master', 'br0');
    await put('02:00:00:00:00:02', '192.0.2.2');
    expect(await host.netlink.fdb({ linkIndex: vx })).toHaveLength(1);
  });
});
