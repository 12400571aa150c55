import { parseAddress } from '@flannel-ts/ip';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHost, vxlan, type Host } from './support/host.ts';

let host: Host;
beforeEach(async () => {
  host = await createHost();
});
afterEach(() => host[Symbol.asyncDispose]());

const { mac: _, ...anyMac } = vxlan;

describe('ensureLink', () => {
  it('adopts an equal device, with its MAC address', async () => {
    await host.run(
      'ip link add flannel.1 address 02:aa:aa:aa:aa:aa type vxlan id 1 dev eth0 local 192.0.2.1 dstport 8472 nolearning',
    );
    const [before] = await host.namespace.json<{ ifindex: number }[]>(
      ...['ip', '-json', 'link', 'show', 'flannel.1'],
    );
    expect(await host.device.ensureLink(anyMac)).toEqual({
      index: before!.ifindex,
      mac: '02:aa:aa:aa:aa:aa',
    });
  });

  it.each([
    ['VNI', { vni: 2 }],
    ['port', { port: 4789 }],
    ['learning', { learning: true }],
    ['GBP', { gbp: true }],
    ['local address', { local: parseAddress('192.0.2.2') }],
    ['parent', { parent: 'far' }],
  ])('recreates a device with another %s and keeps its MAC address', async (_, difference) => {
    const first = await host.device.ensureLink(anyMac);
    const second = await host.device.ensureLink({ ...anyMac, ...difference });
    expect(second.index).not.toBe(first.index);
    expect(second.mac).toBe(first.mac);
    expect(host.events).toEqual([{ kind: 'link-recreated', link: 'flannel.1' }]);
  });

  it.each(['group 239.1.1.1', 'l2miss'])('recreates a device with %s', async (option) => {
    await host.run(
      `ip link add flannel.1 type vxlan id 1 dev eth0 local 192.0.2.1 dstport 8472 nolearning ${option}`,
    );
    await host.device.ensureLink(vxlan);
    expect(await host.run('ip -details link show flannel.1')).not.toContain(option);
    expect(host.events).toEqual([{ kind: 'link-recreated', link: 'flannel.1' }]);
  });

  it.each(['bridge', 'veth'])('leaves a device of another kind, %s, and names what to do', async (kind) => {
    await host.run(`ip link add flannel.1 type ${kind}`);
    const before = await host.run('ip -details link show flannel.1');
    await expect(host.device.ensureLink(vxlan)).rejects.toMatchObject({
      ...{ name: 'ForeignLinkError', link: 'flannel.1', kind },
      message: `link flannel.1 must be of kind vxlan, not ${kind}: another program made it; delete it (ip link delete flannel.1) or rename it (ip link set flannel.1 name …)`,
    });
    expect(await host.run('ip -details link show flannel.1')).toBe(before);
  });

  it('names a missing parent', async () => {
    await expect(host.device.ensureLink({ ...vxlan, parent: 'eth9' })).rejects.toThrow(
      'link eth9 does not exist; flannel.1 needs it',
    );
  });

  it('names another device that has the VNI', async () => {
    await host.run('ip link add other type vxlan id 1 dev eth0 dstport 8472');
    await expect(host.device.ensureLink(vxlan)).rejects.toMatchObject({
      name: 'NetlinkError',
      code: 'EEXIST',
    });
  });

  it('leaves a TUN device to its owner until that has opened it', async () => {
    const tun = { kind: 'tun', name: 'flannel0', mtu: 1400 } as const;
    await expect(host.device.ensureLink(tun)).rejects.toThrow('link flannel0 does not exist');
    await host.run('ip tuntap add flannel0 mode tun');
    await host.device.ensureLink(tun);
    const [link] = await host.namespace.json<{ mtu: number; flags: string[] }[]>(
      ...['ip', '-json', 'link', 'show', 'flannel0'],
    );
    expect(link).toMatchObject({ mtu: 1400, flags: expect.arrayContaining(['UP']) as unknown });
  });

  it('leaves a TAP device that has the name of a TUN device', async () => {
    const tun = { kind: 'tun', name: 'flannel0', mtu: 1400 } as const;
    await host.run('ip tuntap add flannel0 mode tap');
    await expect(host.device.ensureLink(tun)).rejects.toThrow('must be of kind tun, not tap');
    expect(await host.lines('cat /sys/class/net/flannel0/mtu')).toEqual(['1500']);
  });
});
