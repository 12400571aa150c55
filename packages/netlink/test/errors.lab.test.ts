import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeOperation, NetlinkError, type NewRoute, type Operation } from '../src/index.ts';
import { createHost, type Host } from './support/host.ts';

let host: Host;
let eth0: number;
beforeEach(async () => {
  host = await createHost();
  eth0 = (await host.link('eth0')).index;
});
afterEach(() => host[Symbol.asyncDispose]());

const address = parseAddress('10.5.2.0');
const mac = '02:00:00:00:00:02';
const route = (): NewRoute => ({
  ...{ destination: parsePrefix('10.5.2.0/24'), kind: 'unicast', linkIndex: eth0, gateway: address },
  ...{ onlink: false, scope: 'global', table: 254, protocol: 3, multipath: false },
});

const cases: [string, () => Operation, code: string, kernelText?: string][] = [
  ['a link that is there', () => ({ op: 'create-link', link: { kind: 'bridge', name: 'eth0' } }), 'EEXIST'],
  ['a link that is not there', () => ({ op: 'delete-link', index: 9999 }), 'ENODEV'],
  [
    'a gateway that nothing leads to',
    () => ({ op: 'put-route', route: route() }),
    'ENETUNREACH',
    'Nexthop has invalid gateway',
  ],
  ['a route that is not there', () => ({ op: 'delete-route', route: route() }), 'ESRCH'],
  [
    'an address that is not there',
    () => ({
      op: 'delete-address',
      address: { linkIndex: eth0, address, prefixLength: 32, scope: 'global' },
    }),
    'EADDRNOTAVAIL',
  ],
  [
    'a neighbour that is not there',
    () => ({ op: 'delete-neighbour', neighbour: { linkIndex: eth0, address, permanent: true } }),
    'ENOENT',
  ],
  [
    'a VXLAN device with an impossible VNI',
    () => ({
      op: 'create-link',
      link: {
        ...{ kind: 'vxlan', name: 'vx', vni: 2 ** 24, port: 8472 },
        ...{ parentIndex: eth0, learning: false, gbp: false },
      },
    }),
    'ERANGE',
  ],
  [
    'a name that is too long',
    () => ({ op: 'create-link', link: { kind: 'bridge', name: 'x'.repeat(16) } }),
    'ERANGE',
  ],
  [
    'an MTU that is too small',
    () => ({ op: 'set-link', index: eth0, mtu: 10 }),
    'EINVAL',
    'mtu less than device minimum',
  ],
];

it.each(cases)('%s', async (_, makeOperation, code, kernelText) => {
  const operation = makeOperation();
  const error = await host.netlink.request(operation).catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(NetlinkError);
  expect(error).toMatchObject({ code, operation: describeOperation(operation) });
  if (kernelText) expect(error).toMatchObject({ kernelText });
});

it('an IPv6 onlink gateway that the route in place leads to over another link', async () => {
  const far = (await host.link('far')).index;
  const ipv6 = { ...route(), destination: parsePrefix('fc00:2::/64') };
  await host.netlink.request({ op: 'put-route', route: { ...ipv6, gateway: parseAddress('2001:db8::9') } });
  const onFar: NewRoute = { ...ipv6, linkIndex: far, gateway: parseAddress('fc00:2::'), onlink: true };
  await expect(host.netlink.request({ op: 'put-route', route: onFar })).rejects.toMatchObject({
    code: 'EINVAL',
    kernelText: 'Nexthop has invalid gateway or device mismatch',
  });
});

it('an error carries the text that ip prints', async () => {
  const printed = await host.namespace.run('sh', '-c', 'ip link set eth0 mtu 10 2>&1 || true');
  const failed = host.netlink.request({ op: 'set-link', index: eth0, mtu: 10 });
  const text = await failed.catch((error: unknown) => (error as { kernelText: string }).kernelText);
  expect(printed).toContain(text);
});

it('one failure among many stops none of the others', async () => {
  const neighbours = Array.from({ length: 1_000 }, (_, index): Operation => ({
    op: 'put-neighbour',
    neighbour: {
      ...{ address: address.offset(index), mac, permanent: true },
      linkIndex: index % 100 === 50 ? 9999 : eth0,
    },
  }));
  const results = await host.netlink.batch(neighbours);
  expect(results.flatMap((error, index) => (error ? [`${index} ${error.code}`] : []))).toEqual(
    Array.from({ length: 10 }, (_, hundred) => `${hundred * 100 + 50} ENODEV`),
  );
  expect(await host.netlink.neighbours({ linkIndex: eth0, family: 4 })).toHaveLength(990);
});

it('says that the kernel has no route', async () => {
  await expect(host.netlink.routeTo(parseAddress('198.51.100.1'))).rejects.toMatchObject({
    message: 'route get 198.51.100.1: ENETUNREACH',
  });
});

it('an entry of a link that is gone is an error of the dump', async () => {
  await expect(host.netlink.addresses({ linkIndex: 9999 })).rejects.toMatchObject({ code: 'ENODEV' });
});
