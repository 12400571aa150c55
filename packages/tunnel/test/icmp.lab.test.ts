import { countAnswers } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tunnel } from '../src/index.ts';
import { checkTransfers, serveTransfers } from './support/check-transfers.ts';
import { describeModes } from './support/kernel.ts';
import { createOverlay, join, modes, mtu, type Overlay } from './support/overlay.ts';

/** Bytes of an ICMP echo packet around `data` bytes. */
const headers = 28;

describeModes('ICMP between containers', (mode) => {
  const stack = new AsyncDisposableStack();
  let overlay: Overlay;
  let tunnels: readonly [Tunnel, Tunnel];

  const ping = (...options: string[]) =>
    overlay.containers[0].run(
      'sh',
      '-c',
      `ping -n -W 5 ${options.join(' ')} ${overlay.containers[1].address} 2>&1; true`,
    );

  beforeAll(async () => {
    overlay = await createOverlay(stack);
    tunnels = await join(overlay, [modes[mode], modes[mode]]);
    for (const tunnel of tunnels) stack.use(tunnel);
  });
  afterAll(() => stack.disposeAsync());

  it('takes one from the TTL on each side', async () => {
    expect(await ping('-c 1')).toContain('ttl=60');
  });

  it('shows both tunnel ends to traceroute', async () => {
    const [from, to] = overlay.containers;
    for (const protocol of ['-I', '-U']) {
      const output = await from.run('traceroute', protocol, '-n', '-q', '1', '-w', '5', to.address);
      const hops = output.split('\n').flatMap((line) => /^ *\d+ +(\S+)/.exec(line)?.[1] ?? []);
      expect(hops).toEqual(['10.5.1.1', '10.5.1.0', '10.5.2.0', '10.5.2.0', to.address]);
    }
  });

  it('says that a destination without a peer is unreachable, but not to ICMP', async () => {
    const [container] = overlay.containers;
    const trace = await container.run('traceroute', '-U', '-n', '-q', '1', '-w', '2', '10.5.77.7');
    expect(trace).toMatch(/10\.5\.1\.0 .*!N/);
    const echo = await container.run('sh', '-c', 'ping -n -c 1 -W 0.3 10.5.77.7; true');
    expect(echo).toContain('0 received, 100% packet loss');
  });

  it('carries packets of exactly the MTU with DF, and no larger ones', async () => {
    expect(await ping('-c 1 -M do', `-s ${mtu - headers}`)).toContain('1 received');
    expect(await ping('-c 1 -M do', `-s ${mtu - headers + 1}`)).toMatch(/message too long/i);
  });

  describe('behind a path with a smaller MTU', () => {
    const pathMtu = 1300;
    const innerMtu = pathMtu - 28;

    // To the fast path packets are forwarded, which only a locked MTU of a route binds (ip_forward_use_pmtu).
    const metric = mode === 'fast path' ? ['mtu', 'lock'] : ['mtu'];
    beforeAll(() => setPathMtu([...metric, `${pathMtu}`]));
    afterAll(() => setPathMtu([]));

    async function setPathMtu(metric: string[]): Promise<void> {
      const [first, second] = overlay.hosts;
      await first.run('ip', 'route', 'replace', second.address, 'dev', 'eth0', ...metric);
      await overlay.containers[0].run('ip', 'route', 'flush', 'cache');
    }

    it('tells the sender of a packet with DF how much fits', async () => {
      const before = tunnels[0].stats().drops.tooBig;
      expect(await ping('-c 1 -M do', `-s ${innerMtu - headers + 1}`)).toMatch(
        new RegExp(`From 10\\.5\\.1\\.0 .*Frag needed and DF set \\(mtu = ${innerMtu}\\)`, 'i'),
      );
      expect(tunnels[0].stats().drops.tooBig).toBe(before + 1);
      expect(await ping('-c 1 -M do', `-s ${innerMtu - headers}`)).toContain('1 received');
    });

    it('carries larger packets without DF in pieces', async () => {
      const [from, to] = overlay.containers;
      const options = ['-M', 'dont', '-s', `${mtu - headers}`];
      expect(await countAnswers(from, to.address, { count: 2, options })).toBe(2);
    });

    it('lets TCP find out by itself', async () => {
      const [from, to] = overlay.containers;
      await from.run('ip', 'route', 'flush', 'cache');
      await serveTransfers(to);
      await checkTransfers(from, to.address, { seed: 1, bytes: 1e6 });
    });
  });
});
