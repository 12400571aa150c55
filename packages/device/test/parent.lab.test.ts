import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Link } from '@flannel-ts/netlink';
import type { Device } from '../src/index.ts';
import { createHost, desired, ownership, peer, self, type Host } from './support/host.ts';

let host: Host;
let device: Device;

/** Past the second compare, a device hears of a change by the kernel's reports alone. */
beforeEach(async () => {
  host = await createHost();
  let dumps = 0;
  const links: typeof host.netlink.links = () => {
    dumps++;
    return host.netlink.links();
  };
  device = host.createDevice({ ...host.netlink, links });
  await device.apply(desired({ self, seven: peer(7) }), ownership);
  const first = dumps;
  await expect.poll(() => dumps, { timeout: 20_000 }).toBeGreaterThan(first);
  await device.reconcile();
});
afterEach(async () => {
  await device[Symbol.asyncDispose]();
  await host[Symbol.asyncDispose]();
});

async function link(name: string): Promise<Link | undefined> {
  return (await host.netlink.links()).find((each) => each.name === name);
}

/** Waits until flannel.1 lies on the link of this name, and its route is there. */
async function isOn(parent: string): Promise<void> {
  // Far below the 60 s after which everything is compared anyway.
  await expect
    .poll(async () => (await link('flannel.1'))?.parentIndex === (await link(parent))?.index, {
      timeout: 20_000,
    })
    .toBe(true);
  await expect
    .poll(() => host.lines('ip route show dev flannel.1'), { timeout: 20_000 })
    .toEqual(['10.5.7.0/24 via 10.5.7.0 onlink']);
}

describe('the underlay link', () => {
  it('gets the device again when it was deleted and comes back with another index', async () => {
    const before = await link('eth0');
    await host.run('ip link delete eth0');
    await host.reported((event) => event.kind === 'failed' && event.what === 'link flannel.1');
    await host.run('ip link add eth0 type veth peer name far');
    await host.run('ip link set eth0 up');
    await host.run('ip address add 192.0.2.1/24 dev eth0');
    await isOn('eth0');
    expect((await link('eth0'))!.index).not.toBe(before!.index);
    await host.reported(({ kind }) => kind === 'recovered');
  });

  it('is missed when it is renamed, and has the device as it was when it has its name again', async () => {
    const { index } = (await link('flannel.1'))!;
    await host.run('ip link set eth0 name uplink');
    await host.reported((event) => event.kind === 'failed' && event.what === 'link flannel.1');
    expect(host.events).toMatchObject([
      { kind: 'failed', error: { message: 'link eth0 does not exist; flannel.1 needs it' } },
    ]);
    await host.run('ip link set uplink name eth0');
    await host.reported(({ kind }) => kind === 'recovered');
    expect((await link('flannel.1'))!.index).toBe(index);
  });

  it('gets the device when another link takes its name', async () => {
    await host.run('ip link set eth0 name uplink');
    await host.run('ip link set far name eth0');
    await isOn('eth0');
    await host.reported(({ kind }) => kind === 'link-recreated');
  });

  it('is reported while its MTU is too small for the device, which keeps its own MTU', async () => {
    await host.run('ip link set eth0 mtu 1400');
    await host.reported(({ kind }) => kind === 'failed');
    const failures = () => host.events.filter(({ kind }) => kind === 'failed');
    expect(failures()).toMatchObject([
      {
        kind: 'failed',
        what: 'link flannel.1',
        error: {
          name: 'ParentMtuError',
          link: 'flannel.1',
          parent: 'eth0',
          parentMtu: 1400,
          requiredMtu: 1500,
        },
      },
    ]);
    expect((await link('flannel.1'))!.mtu).toBe(1450);
    await host.run('ip link set flannel.1 mtu 1350');
    await device.reconcile();
    // The device is left as it is: the kernel would refuse its MTU.
    expect((await link('flannel.1'))!.mtu).toBe(1350);
    expect(failures()).toHaveLength(1);
    await host.run('ip link set eth0 mtu 1500');
    await host.reported(({ kind }) => kind === 'recovered');
    expect((await link('flannel.1'))!.mtu).toBe(1450);
  });
});
