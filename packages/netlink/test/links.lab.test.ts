import { parseAddress } from '@flannel-ts/ip';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHost, type Host } from './support/host.ts';

let host: Host;
beforeEach(async () => {
  host = await createHost();
});
afterEach(() => host[Symbol.asyncDispose]());

it('creates a VXLAN device with all its attributes', async () => {
  const eth0 = await host.link('eth0');
  await host.netlink.request({
    op: 'create-link',
    link: {
      ...{ kind: 'vxlan', name: 'flannel.5', vni: 5, port: 4789, parentIndex: eth0.index, mtu: 1400 },
      ...{ mac: '02:00:00:00:00:05', local: parseAddress('192.0.2.1'), learning: false, gbp: true },
    },
  });
  // A later iproute2 prints null for a flag that is there.
  const gbp: unknown = expect.toBeOneOf([true, null]);
  expect(await host.ipLink('flannel.5')).toMatchObject({
    ...{ mtu: 1400, address: '02:00:00:00:00:05', operstate: 'DOWN' },
    linkinfo: {
      info_kind: 'vxlan',
      info_data: { id: 5, port: 4789, link: 'eth0', local: '192.0.2.1', learning: false, gbp },
    },
  });
  expect(await host.link('flannel.5')).toMatchObject({
    ...{ mtu: 1400, up: false, mac: '02:00:00:00:00:05', parentIndex: eth0.index },
    detail: {
      ...{ kind: 'vxlan', vni: 5, port: 4789, local: parseAddress('192.0.2.1') },
      ...{ learning: false, gbp: true, l2miss: false, group: undefined },
    },
  });
});

it('creates a VXLAN device over IPv6, with defaults of the kernel', async () => {
  const parentIndex = (await host.link('eth0')).index;
  const local = parseAddress('2001:db8::1');
  await host.netlink.request({
    op: 'create-link',
    link: { kind: 'vxlan', name: 'vx6', vni: 7, port: 8472, parentIndex, local, learning: true, gbp: false },
  });
  expect(await host.ipLink('vx6')).toMatchObject({
    linkinfo: { info_data: { id: 7, port: 8472, local6: '2001:db8::1', learning: true } },
  });
  expect((await host.link('vx6')).detail).toMatchObject({ local, learning: true, gbp: false });
});

it('creates a VXLAN device that has no parent', async () => {
  await host.netlink.request({
    op: 'create-link',
    link: { kind: 'vxlan', name: 'vx70', vni: 70, port: 4791, learning: false, gbp: false },
  });
  const shown = await host.ipLink('vx70');
  expect(shown).toMatchObject({ linkinfo: { info_data: { id: 70, port: 4791, learning: false } } });
  expect(shown).not.toHaveProperty('linkinfo.info_data.link');
  expect(await host.link('vx70')).toMatchObject({
    ...{ up: false, parentIndex: undefined },
    detail: { kind: 'vxlan', vni: 70, port: 4791, learning: false, gbp: false, local: undefined },
  });
});

it('reads what others created', async () => {
  const run = (...command: string[]) => host.namespace.run(...command);
  await run('ip', 'link', 'add', 'br0', 'type', 'bridge');
  await run('ip', 'tuntap', 'add', 'dev', 'tun0', 'mode', 'tun');
  await run(
    ...['ip', 'link', 'add', 'vx', 'type', 'vxlan', 'id', '9', 'dev', 'eth0', 'group', '239.1.1.1'],
    ...['dstport', '4789', 'l2miss'],
  );
  await run('ip', 'link', 'set', 'far', 'master', 'br0');
  await run('ip', 'link', 'add', 'mv0', 'link', 'eth0', 'type', 'macvlan');
  const links = new Map((await host.netlink.links()).map((link) => [link.name, link]));
  expect(links.get('lo')).toMatchObject({ detail: { kind: 'physical' }, up: true, mtu: 65536 });
  expect(links.get('br0')!.detail).toEqual({ kind: 'bridge' });
  expect(links.get('tun0')).toMatchObject({ detail: { kind: 'tun', persistent: true }, mac: undefined });
  expect(links.get('far')).toMatchObject({ detail: { kind: 'veth' }, masterIndex: links.get('br0')!.index });
  expect(links.get('mv0')).toMatchObject({
    detail: { kind: 'other', name: 'macvlan' },
    parentIndex: links.get('eth0')!.index,
  });
  expect(links.get('vx')!.detail).toMatchObject({
    group: parseAddress('239.1.1.1'),
    l2miss: true,
    learning: true,
  });
});

it('creates, changes and deletes bridges and veth pairs', async () => {
  const { netlink } = host;
  await netlink.request({ op: 'create-link', link: { kind: 'bridge', name: 'br1', mtu: 1450 } });
  await netlink.request({ op: 'create-link', link: { kind: 'veth', name: 'va', peerName: 'vb', mtu: 1300 } });
  const bridge = await host.link('br1');
  const va = await host.link('va');
  const changes = { up: true, mtu: 1280, mac: '02:00:00:00:00:aa', masterIndex: bridge.index };
  await netlink.request({ op: 'set-link', index: va.index, ...changes });
  expect(await host.ipLink('va')).toMatchObject({
    ...{
      mtu: 1280,
      address: '02:00:00:00:00:aa',
      master: 'br1',
      flags: expect.arrayContaining(['UP']) as unknown,
    },
  });
  expect(await host.ipLink('vb')).toMatchObject({ mtu: 1300 });
  await netlink.request({ op: 'set-link', index: va.index, up: false, masterIndex: 0 });
  expect(await host.link('va')).toMatchObject({ up: false, masterIndex: undefined });
  await netlink.request({ op: 'delete-link', index: va.index });
  await netlink.request({ op: 'delete-link', index: bridge.index });
  expect((await netlink.links()).map(({ name }) => name)).not.toEqual(expect.arrayContaining(['va']));
});
