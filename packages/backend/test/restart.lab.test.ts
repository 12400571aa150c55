import { createLab, endPing, type Container, type Host, type Lab } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type Daemon } from './support/daemon.ts';

const INTERVAL_MS = 10;
/** How long a tunnel may carry nothing while another one takes its place. */
const GAP_MS = 150;

const backends = [
  { type: 'vxlan', link: 'flannel.1' },
  { type: 'host-gw', link: 'eth0' },
  { type: 'udp', link: 'flannel0' },
] as const;

describe.each(backends)('two hosts with $type', ({ type, link }) => {
  const stack = new AsyncDisposableStack();
  let lab: Lab;
  let hosts: readonly [Host, Host];
  let daemons: [Daemon, Daemon];
  let containers: readonly [Container, Container];

  beforeAll(async () => {
    lab = stack.use(await createLab());
    hosts = [await lab.addHost(), await lab.addHost()];
    daemons = [await start(0), await start(1)];
    stack.defer(async () => {
      for (const daemon of daemons) await daemon[Symbol.asyncDispose]();
    });
    await follow(0);
    await follow(1);
    const { mtu } = daemons[0].backend;
    containers = [
      await hosts[0].addContainer({ bip: '10.5.1.1/24', mtu }),
      await hosts[1].addContainer({ bip: '10.5.2.1/24', mtu }),
    ];
  });
  afterAll(() => stack.disposeAsync());

  const start = (side: 0 | 1) => startDaemon(hosts[side], side + 1, { Type: type });
  const follow = (side: 0 | 1) =>
    daemons[side].follower.follow({
      kind: 'snapshot',
      leases: daemons.map(({ lease }) => lease),
      unreadable: [],
    });
  const ping = (...options: string[]) =>
    containers[0].run('ping', '-n', '-W', '5', ...options, containers[1].address);

  /** Everything that the daemon made on the first host, in the words of `ip` and `bridge`. */
  async function state(): Promise<string> {
    const [host] = hosts;
    const outputs = [
      await host.run('ip', '-details', 'link', 'show', link),
      await host.run('ip', '-4', 'address', 'show', link),
      await host.run('ip', 'route', 'show', 'dev', link),
      await host.run('ip', 'neighbour', 'show', 'dev', link, 'nud', 'permanent'),
      type === 'vxlan' ? await host.run('bridge', 'fdb', 'show', 'dev', link) : '',
    ];
    // A TUN device that no process has open has no carrier, and each fast path has programs of its own.
    return outputs.join('').replaceAll(/<.*>|linkdown |state \w+ |programs [\d ]+/g, '');
  }

  async function reachable(): Promise<void> {
    // Far below the 60 s after which the device would look by itself.
    await expect.poll(() => ping('-c', '1'), { timeout: 20_000 }).toContain(' 0% packet loss');
  }

  it('carries packets', async () => {
    await ping('-c', '1');
  });

  it('leaves device, addresses and routes as they are when it ends, and takes them over when it starts', async () => {
    const before = await state();
    await daemons[0][Symbol.asyncDispose]();
    const between = await state();
    daemons[0] = await start(0);
    await follow(0);
    expect(between).toBe(before);
    expect(await state()).toBe(before);
    expect(daemons[0].events.filter(({ kind }) => kind !== 'fast-path')).toEqual([]);
    await ping('-c', '1');
  });

  /** How many packets are lost while something happens to the first host; one is sent every 10 ms. */
  async function lostDuring(disturb: () => Promise<void>): Promise<number> {
    const pinging = containers[0].start([
      'ping',
      '-n',
      '-i',
      `${INTERVAL_MS / 1_000}`,
      containers[1].address,
    ]);
    await pinging.line(/icmp_seq=3 /);
    await disturb();
    await follow(0);
    return (await endPing(pinging)).length;
  }

  it('loses no packet while its backend is made again', async () => {
    expect(await lostDuring(() => daemons[0].next())).toBe(0);
  });

  // A new MTU is another tunnel: the next one attaches to the device that the one before has left.
  it(`loses ${type === 'udp' ? 'few packets' : 'no packet'} when the MTU of the underlay changes`, async () => {
    for (const mtu of [1450, 1500]) {
      const lost = await lostDuring(() => daemons[0].next({ mtu }));
      expect(lost * INTERVAL_MS).toBeLessThan(type === 'udp' ? GAP_MS : 1);
    }
  });

  it(`loses ${type === 'udp' ? 'few packets' : 'no packet'} while it is started again`, async () => {
    const lost = await lostDuring(async () => {
      await daemons[0][Symbol.asyncDispose]();
      daemons[0] = await start(0);
    });
    expect(lost * INTERVAL_MS).toBeLessThan(type === 'udp' ? GAP_MS : 1);
  });

  it('carries packets again after its interface and the underlay went down and up', async () => {
    const [host] = hosts;
    for (const name of new Set([link, 'eth0'])) {
      await host.run('ip', 'link', 'set', name, 'down');
      await host.run('ip', 'link', 'set', name, 'up');
    }
    await reachable();
  });

  if (link !== 'eth0')
    it('carries packets again after its device was deleted', async () => {
      await hosts[0].run('ip', 'link', 'delete', link);
      await reachable();
      const kinds = daemons[0].events.map(({ kind }) => kind);
      if (type === 'udp') expect(kinds).toEqual(expect.arrayContaining(['tunnel-failed', 'tunnel-reopened']));
    });
});

it('makes a device as large as containers are told, whatever the option says', async () => {
  await using lab = await createLab();
  const host = await lab.addHost();
  await using daemon = await startDaemon(host, 1, { Type: 'vxlan', MTU: 9000 });
  expect((await host.run('cat', '/sys/class/net/flannel.1/mtu')).trim()).toBe(`${daemon.backend.mtu}`);
  await daemon.follower.follow({ kind: 'snapshot', leases: [], unreadable: [] });
  expect(daemon.events).toEqual([]);
});
