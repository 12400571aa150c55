import { uptime } from 'node:os';
import { endPing } from '@flannel-ts/lab';
import { parseInterfaceAddress } from '@flannel-ts/ip';
import { inNamespace } from '@flannel-ts/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTunnel, type Tunnel, type TunnelOptions } from '../src/index.ts';
import { attachedAt } from './support/attached.ts';
import { holdOpen } from './support/hold-open.ts';
import { noFastPath } from './support/kernel.ts';
import {
  createOverlay,
  endpoint,
  modes,
  mtu,
  openTunnelOn,
  port,
  route,
  subnetOf,
  type Overlay,
} from './support/overlay.ts';

/** Milliseconds of the boot's clock. */
const now = () => uptime() * 1000;

describe.skipIf(noFastPath)('a fast path of a process that was killed', () => {
  let stack: AsyncDisposableStack;
  let overlay: Overlay;
  let peerTunnel: Tunnel;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    overlay = await createOverlay(stack);
    const [host, peer] = overlay.hosts;
    peerTunnel = stack.use(await openTunnelOn(peer, 2, modes['fast path']));
    peerTunnel.setRoutes([route(subnetOf(1), host.address, port, true)]);
  });
  afterEach(() => stack.disposeAsync());

  /** Opens a tunnel in a process that has the containers' packets, and kills it. */
  async function killHolder(whileItRuns = () => Promise.resolve()): Promise<void> {
    const [host, peer] = overlay.hosts;
    const program = host.start([...holdOpen, host.address, peer.address]);
    await program.line(/open/);
    await host.run('ip', 'address', 'replace', '10.5.1.0/32', 'dev', 'flannel0');
    await host.run('ip', 'route', 'replace', '10.5.0.0/16', 'dev', 'flannel0');
    const [from, to] = overlay.containers;
    await from.run('ping', '-c', '1', '-W', '5', to.address);
    await whileItRuns();
    program.signal('SIGKILL');
    await program.exited;
  }

  const open = (options: Partial<TunnelOptions> = {}) => {
    const [host, peer] = overlay.hosts;
    const initial = {
      localSubnets: [parseInterfaceAddress(subnetOf(1))],
      routes: [route(subnetOf(2), peer.address, port, true)],
    };
    return inNamespace(host.path, () =>
      openTunnel({
        ...{ tun: { name: 'flannel0', mtu }, socket: endpoint(host.address), initial },
        ...{ ...modes['fast path'], ...options },
      }),
    );
  };
  const startPings = () =>
    overlay.containers[0].start(['ping', '-n', '-i', '0.005', overlay.containers[1].address]);
  const ping = () =>
    overlay.containers[0].run('ping', '-n', '-c', '1', '-W', '5', overlay.containers[1].address);
  const pingInVain = () =>
    expect(
      overlay.containers[0].run('ping', '-n', '-c', '1', '-W', '1', overlay.containers[1].address),
    ).rejects.toThrow();

  it('carries on, and the next process takes it over without the loss of a packet', async () => {
    const [host] = overlay.hosts;
    let pings!: ReturnType<typeof startPings>;
    await killHolder(async () => {
      pings = startPings();
      await pings.line(/icmp_seq=3 /);
    });
    const seen = pings.lines.length;
    await expect.poll(() => pings.lines.length).toBeGreaterThan(seen + 100);
    const device = await host.run('ip', '-details', 'link', 'show', 'flannel0-rx');
    const former = await attachedAt(host);
    const tunnel = open();
    expect(tunnel.fastPath).toEqual({ on: true });
    const taken = pings.lines.length;
    await expect.poll(() => pings.lines.length).toBeGreaterThan(taken + 20);
    expect(await endPing(pings)).toEqual([]);
    // It is the same device, and what goes now is counted here.
    const withoutNote = (text: string) => text.replace(/alias .*/, '');
    expect(withoutNote(await host.run('ip', '-details', 'link', 'show', 'flannel0-rx'))).toBe(
      withoutNote(device),
    );
    expect(former).toEqual(['flannel_deliver', 'flannel_rx', 'flannel_tx']);
    expect(await attachedAt(host)).toEqual(former);
    expect(tunnel.stats().received.packets).toBeGreaterThan(20);
    expect(tunnel.stats().sent.packets).toBeGreaterThan(20);

    tunnel.setRoutes([]);
    await pingInVain();
    tunnel.close();
    expect(await attachedAt(host)).toEqual([]);
    expect(await host.run('ip', 'link')).not.toContain('flannel0-rx');
  });

  it('carries on after leave, too', async () => {
    const [host] = overlay.hosts;
    await killHolder();
    const tunnel = open();
    tunnel.leave();
    tunnel.close();
    expect(() => tunnel.stats()).toThrow('the tunnel is closed');
    await ping();
    open().close();
    expect(await attachedAt(host)).toEqual([]);
  });

  it('is removed when the next tunnel has another port, and by one without a fast path', async () => {
    const [host] = overlay.hosts;
    await killHolder();
    const address = endpoint(host.address, 8286);
    const index = async () =>
      (await host.json<[{ ifindex: number }]>('ip', '-json', 'link', 'show', 'flannel0-rx'))[0].ifindex;
    const before = await index();
    const other = open({ socket: address });
    expect(await index()).not.toBe(before);
    expect(await attachedAt(host)).toEqual(['flannel_deliver', 'flannel_rx', 'flannel_tx']);
    other.leave();
    open({ fastPath: false }).close();
    expect(await attachedAt(host)).toEqual([]);
    expect(await host.run('ip', 'link')).not.toContain('flannel0-rx');
  });

  it('is removed, with what is left of it, when somebody has deleted one of its devices', async () => {
    const [host] = overlay.hosts;
    for (const device of ['flannel0-rx', 'flannel0']) {
      await killHolder();
      await host.run('ip', 'link', 'delete', device);
      expect(await attachedAt(host)).toContain('flannel_rx');
      const tunnel = open();
      expect(tunnel.fastPath).toEqual({ on: true });
      expect(await attachedAt(host)).toEqual(['flannel_deliver', 'flannel_rx', 'flannel_tx']);
      tunnel.close();
      expect(await attachedAt(host)).toEqual([]);
    }
  });

  it('is taken over with the rights of the packaged daemon', async () => {
    const [host, peer] = overlay.hosts;
    const limited = ['setpriv', '--bounding-set=-all,+net_admin,+net_raw,+bpf,+perfmon'];
    const index = async () =>
      (await host.json<[{ ifindex: number }]>('ip', '-json', 'link', 'show', 'flannel0-rx'))[0].ifindex;
    const indexes = [];
    for (let run = 0; run < 2; run++) {
      const program = host.start([...limited, ...holdOpen, host.address, peer.address]);
      expect(await program.line(/./)).toBe('open');
      expect(await attachedAt(host)).toEqual(['flannel_deliver', 'flannel_rx', 'flannel_tx']);
      indexes.push(await index());
      program.signal('SIGKILL');
      await program.exited;
    }
    expect(indexes[1]).toBe(indexes[0]);
    const limitedRemoval = host.start([...limited, ...holdOpen, host.address, peer.address, 'off']);
    await limitedRemoval.line(/it was not asked for/);
    expect(await attachedAt(host)).toEqual([]);
    await limitedRemoval.stop();
  });

  it('keeps an alias that the TUN device has, and leaves none of its own', async () => {
    const [host] = overlay.hosts;
    const alias = async () =>
      (await host.json<[{ ifalias?: string }]>('ip', '-json', 'link', 'show', 'flannel0'))[0].ifalias ?? '';
    const noted = open();
    expect(await alias()).toContain('flannel fast path 1: ');
    noted.close();
    expect(await alias()).toBe('');
    await host.run('ip', 'link', 'set', 'flannel0', 'alias', 'mine');
    open().close();
    expect(await alias()).toBe('mine');
  });

  it('stops when it expires: packets are left to user space, which carries them while there is one', async () => {
    await killHolder();
    await using tunnel = open();
    await ping();
    tunnel.setExpiry(now());
    const sent = tunnel.stats().sent.packets;
    await ping();
    const { fastPath } = tunnel.stats();
    expect(fastPath).toMatchObject({ transmitExpired: { packets: 1 }, receiveExpired: { packets: 1 } });
    expect(tunnel.stats().sent.packets).toBe(sent + 1);
    tunnel.setExpiry(now() + 3_600_000);
    await ping();
    expect(tunnel.stats().fastPath).toEqual(fastPath);
    tunnel.setExpiry(now());
    tunnel.leave();
    await pingInVain();
  });

  it('has an expiry from its first packet on', async () => {
    await killHolder();
    const [, peer] = overlay.hosts;
    const tunnel = open({
      initial: {
        localSubnets: [parseInterfaceAddress(subnetOf(1))],
        routes: [route(subnetOf(2), peer.address, port, true)],
        expiresAt: now() - 1,
      },
    });
    tunnel.leave();
    await pingInVain();
  });
});
