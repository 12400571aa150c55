import { createNamespace, type Namespace } from '@flannel-ts/lab';
import { inNamespace, openNetlinkPort } from '@flannel-ts/native';
import { createNetlink, type NetlinkConnection } from '@flannel-ts/netlink';
import { parseAddress, parseInterfaceAddress, parsePrefix } from '@flannel-ts/ip';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createDevice,
  type Device,
  type DeviceEvent,
  type HostState,
  type WantedVxlan,
} from '../src/index.ts';

const vxlan: WantedVxlan = {
  kind: 'vxlan',
  name: 'flannel.1',
  vni: 1,
  port: 8472,
  parent: 'eth0',
  local: parseAddress('192.0.2.1'),
  learning: false,
  gbp: false,
  mtu: 1450,
  mac: '02:00:00:00:00:01',
};
const self: HostState = {
  links: [vxlan],
  addresses: [{ link: 'flannel.1', address: parseInterfaceAddress('10.5.1.0/32') }],
};

function peer(number: number, mac = `02:00:00:00:01:${number.toString(16).padStart(2, '0')}`): HostState {
  const destination = parsePrefix(`10.5.${number}.0/24`);
  return {
    routes: [{ destination, gateway: destination.network, link: 'flannel.1', onlink: true }],
    neighbours: [{ link: 'flannel.1', address: destination.network, mac }],
    fdb: [{ link: 'flannel.1', mac, destination: parseAddress(`192.0.2.${number}`) }],
  };
}

let namespace: Namespace;
let netlink: NetlinkConnection;
let device: Device;
let events: DeviceEvent[];
let changed: PromiseWithResolvers<undefined>;

beforeEach(async () => {
  namespace = await createNamespace(`ftlab-${process.pid}-device`);
  await namespace.run('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'far');
  await namespace.run('ip', 'link', 'set', 'far', 'up');
  await namespace.run('ip', 'link', 'set', 'eth0', 'up');
  await namespace.run('ip', 'address', 'add', '192.0.2.1/24', 'dev', 'eth0');
  netlink = createNetlink({
    openPort: (options) => inNamespace(namespace.path, () => openNetlinkPort(options)),
  });
  events = [];
  changed = Promise.withResolvers();
  device = createDevice({
    netlink,
    onEvent(event) {
      events.push(event);
      changed.resolve(undefined);
      changed = Promise.withResolvers();
    },
  });
  device.own({
    links: ['flannel.1'],
    gatewayRoutes: [{ link: 'eth0', within: parsePrefix('10.5.0.0/16'), prefixLength: 24 }],
  });
});

afterEach(async () => {
  await device[Symbol.asyncDispose]();
  await netlink[Symbol.asyncDispose]();
  await namespace[Symbol.asyncDispose]();
});

async function lines(...command: string[]): Promise<string[]> {
  const output = await namespace.run(...command);
  return output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .sort();
}

const routes = () => lines('ip', 'route', 'show', 'dev', 'flannel.1');
const neighbours = () => lines('ip', 'neighbour', 'show', 'dev', 'flannel.1', 'nud', 'permanent');
const fdb = () => lines('bridge', 'fdb', 'show', 'dev', 'flannel.1');

/** Waits until the device has reported something that fits. */
async function reported(fits: (event: DeviceEvent) => boolean): Promise<void> {
  while (!events.some(fits)) await changed.promise;
}

describe('apply', () => {
  it('makes device, address, route, neighbour and FDB entry', async () => {
    await device.apply(
      new Map([
        ['self', self],
        ['peer', peer(7)],
      ]),
    );
    expect(await lines('ip', '-brief', '-4', 'address', 'show', 'flannel.1')).toEqual([
      'flannel.1        UNKNOWN        10.5.1.0/32',
    ]);
    expect(await routes()).toEqual(['10.5.7.0/24 via 10.5.7.0 onlink']);
    expect(await neighbours()).toEqual(['10.5.7.0 lladdr 02:00:00:00:01:07 PERMANENT']);
    expect(await fdb()).toEqual(['02:00:00:00:01:07 dst 192.0.2.7 self permanent']);
    const [link] = await namespace.json<{ mtu: number; address: string; linkinfo: { info_data: object } }[]>(
      ...['ip', '-json', '-details', 'link', 'show', 'flannel.1'],
    );
    expect(link).toMatchObject({ mtu: 1450, address: '02:00:00:00:00:01' });
    expect(link!.linkinfo.info_data).toMatchObject({
      id: 1,
      link: 'eth0',
      local: '192.0.2.1',
      port: 8472,
      learning: false,
    });
  });

  it('changes nothing the second time', async () => {
    const wanted = new Map([
      ['self', self],
      ['peer', peer(7)],
    ]);
    await device.apply(wanted);
    const before = await lines('ip', '-details', 'link', 'show', 'flannel.1');
    await device.apply(wanted);
    await device.reconcile();
    expect(await lines('ip', '-details', 'link', 'show', 'flannel.1')).toEqual(before);
    expect(events).toEqual([]);
  });

  it('removes what is stale and ours, and nothing else', async () => {
    await device.apply(
      new Map([
        ['self', self],
        ['old', peer(7)],
      ]),
    );
    await namespace.run('ip', 'route', 'add', '10.5.99.0/24', 'via', '192.0.2.9');
    await namespace.run('ip', 'route', 'add', '10.6.0.0/24', 'via', '192.0.2.9');
    await namespace.run('ip', 'route', 'add', '10.5.64.0/20', 'via', '192.0.2.9');
    await namespace.run('ip', 'route', 'add', '10.5.98.0/24', 'via', '192.0.2.9', 'proto', 'bird');
    await namespace.run('ip', 'route', 'add', '10.5.97.0/24', 'via', '192.0.2.9', 'table', '100');
    await namespace.run('ip', 'neighbour', 'add', '192.0.2.50', 'lladdr', '02:00:00:00:09:09', 'dev', 'eth0');
    await device.apply(
      new Map([
        ['self', self],
        ['new', peer(8)],
      ]),
    );
    expect(await routes()).toEqual(['10.5.8.0/24 via 10.5.8.0 onlink']);
    expect(await neighbours()).toEqual(['10.5.8.0 lladdr 02:00:00:00:01:08 PERMANENT']);
    expect(await fdb()).toEqual(['02:00:00:00:01:08 dst 192.0.2.8 self permanent']);
    expect(await lines('ip', 'route', 'show', 'dev', 'eth0')).toEqual([
      '10.5.64.0/20 via 192.0.2.9',
      '10.5.98.0/24 via 192.0.2.9 proto bird',
      '10.6.0.0/24 via 192.0.2.9',
      '192.0.2.0/24 proto kernel scope link src 192.0.2.1',
    ]);
    expect(await lines('ip', 'route', 'show', 'table', '100')).toEqual([
      '10.5.97.0/24 via 192.0.2.9 dev eth0',
    ]);
    expect(await lines('ip', 'neighbour', 'show', 'dev', 'eth0', 'nud', 'permanent')).toEqual([
      '192.0.2.50 lladdr 02:00:00:00:09:09 PERMANENT',
    ]);
  });

  it('replaces a conflicting route', async () => {
    await namespace.run('ip', 'route', 'add', '10.5.7.0/24', 'via', '192.0.2.9');
    const route = {
      destination: parsePrefix('10.5.7.0/24'),
      gateway: parseAddress('192.0.2.7'),
      link: 'eth0',
    };
    await device.apply(new Map([['peer', { routes: [route] }]]));
    expect(await lines('ip', 'route', 'show', '10.5.7.0/24')).toEqual(['10.5.7.0/24 via 192.0.2.7 dev eth0']);
  });

  it('goes on when one entry cannot be made, says so once, and makes it when it can be', async () => {
    const bad = {
      destination: parsePrefix('10.5.7.0/24'),
      gateway: parseAddress('203.0.113.1'),
      link: 'eth0',
    };
    await device.apply(
      new Map<string, HostState>([
        ['self', self],
        ['bad', { routes: [bad] }],
        ['good', peer(8)],
      ]),
    );
    await device.reconcile();
    expect(await routes()).toEqual(['10.5.8.0/24 via 10.5.8.0 onlink']);
    expect(events).toMatchObject([
      {
        kind: 'failed',
        what: 'put route 10.5.7.0/24 via 203.0.113.1 dev eth0',
        error: { code: 'ENETUNREACH' },
      },
    ]);
    await namespace.run('ip', 'address', 'add', '203.0.113.2/24', 'dev', 'eth0');
    await reported(({ kind }) => kind === 'mended');
    expect(await lines('ip', 'route', 'show', '10.5.7.0/24')).toEqual([
      '10.5.7.0/24 via 203.0.113.1 dev eth0',
    ]);
  });
});

describe('update', () => {
  beforeEach(() =>
    device.apply(
      new Map([
        ['self', self],
        ['seven', peer(7)],
      ]),
    ),
  );

  it('removes the entries of a former MAC address', async () => {
    await device.update(new Map([['seven', peer(7, '02:00:00:00:02:02')]]));
    expect(await neighbours()).toEqual(['10.5.7.0 lladdr 02:00:00:00:02:02 PERMANENT']);
    expect(await fdb()).toEqual(['02:00:00:00:02:02 dst 192.0.2.7 self permanent']);
  });

  it('keeps an entry that another owner wants too', async () => {
    const shared = peer(7).fdb!;
    await device.update(new Map([['eight', { ...peer(8), fdb: shared }]]));
    await device.update(new Map([['seven', undefined]]));
    expect(await fdb()).toEqual(['02:00:00:00:01:07 dst 192.0.2.7 self permanent']);
    expect(await routes()).toEqual(['10.5.8.0/24 via 10.5.8.0 onlink']);
    await device.update(new Map([['eight', undefined]]));
    expect(await fdb()).toEqual([]);
  });
});

describe('drift', () => {
  beforeEach(() =>
    device.apply(
      new Map([
        ['self', self],
        ['seven', peer(7)],
      ]),
    ),
  );

  it.each([
    ['a route', ['ip', 'route', 'delete', '10.5.7.0/24']],
    ['a changed route', ['ip', 'route', 'replace', '10.5.7.0/24', 'via', '192.0.2.9']],
    ['a neighbour', ['ip', 'neighbour', 'delete', '10.5.7.0', 'dev', 'flannel.1']],
    [
      'an FDB entry',
      ['bridge', 'fdb', 'delete', '02:00:00:00:01:07', 'dev', 'flannel.1', 'dst', '192.0.2.7'],
    ],
    ['the address', ['ip', 'address', 'delete', '10.5.1.0/32', 'dev', 'flannel.1']],
    ['a device that went down', ['ip', 'link', 'set', 'flannel.1', 'down']],
    ['the MTU', ['ip', 'link', 'set', 'flannel.1', 'mtu', '1300']],
    ['a deleted device', ['ip', 'link', 'delete', 'flannel.1']],
  ])('puts back %s', async (_, command) => {
    const state = async () => [
      ...(await routes()),
      ...(await neighbours()),
      ...(await fdb()),
      ...(await lines('ip', '-brief', '-4', 'address', 'show', 'flannel.1')),
      await namespace.run('cat', '/sys/class/net/flannel.1/mtu', '/sys/class/net/flannel.1/address'),
    ];
    const before = await state();
    await namespace.run(...command);
    const deadline = performance.now() + 2_000;
    let after: string[] = [];
    while (performance.now() < deadline && String(after) !== String(before))
      after = await state().catch(() => []);
    expect(after).toEqual(before);
  });
});

describe('ensureLink', () => {
  it('adopts an equal device, with its MAC address', async () => {
    await namespace.run(
      ...[
        'ip',
        'link',
        'add',
        'flannel.1',
        'address',
        '02:aa:aa:aa:aa:aa',
        'type',
        'vxlan',
        'id',
        '1',
        'dev',
        'eth0',
      ],
      ...['local', '192.0.2.1', 'dstport', '8472', 'nolearning'],
    );
    const [before] = await namespace.json<{ ifindex: number }[]>('ip', '-json', 'link', 'show', 'flannel.1');
    const { mac: _, ...anyMac } = vxlan;
    expect(await device.ensureLink(anyMac)).toEqual({ index: before!.ifindex, mac: '02:aa:aa:aa:aa:aa' });
  });

  it.each([
    ['VNI', { vni: 2 }],
    ['port', { port: 4789 }],
    ['learning', { learning: true }],
    ['GBP', { gbp: true }],
    ['local address', { local: parseAddress('192.0.2.2') }],
  ])('recreates a device with another %s and keeps its MAC address', async (_, difference) => {
    const { mac: __, ...anyMac } = vxlan;
    const first = await device.ensureLink(anyMac);
    const second = await device.ensureLink({ ...anyMac, ...difference });
    expect(second.index).not.toBe(first.index);
    expect(second.mac).toBe(first.mac);
    expect(events).toEqual([{ kind: 'link-recreated', link: 'flannel.1' }]);
  });

  it('names a missing parent', async () => {
    await expect(device.ensureLink({ ...vxlan, parent: 'eth9' })).rejects.toThrow(
      'link eth9 does not exist; flannel.1 needs it',
    );
  });
});
