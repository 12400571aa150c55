import { countAnswers, icmpCounter } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tunnel } from '../src/index.ts';
import { checkTransfers, serveTransfers } from './support/check-transfers.ts';
import { describeModes } from './support/kernel.ts';
import { createOverlay, join, modes, mtu, type Overlay } from './support/overlay.ts';

/** Ten datagrams a millisecond: more than are reported, and fewer than would drive others out of the queues. */
const floodInPortions = `
import socket, sys, time
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    for _ in range(10): udp.sendto(b'flood', (sys.argv[1], 9))
    time.sleep(0.001)
`;

/** Sends datagrams of so many bytes with DF in one call (UDP_SEGMENT, IP_MTU_DISCOVER), which Node cannot. */
const sendSegmented = `
import socket, sys
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.setsockopt(socket.IPPROTO_UDP, 103, int(sys.argv[2]))
udp.setsockopt(socket.IPPROTO_IP, 10, 2)
udp.sendto(bytes(int(sys.argv[3])), (sys.argv[1], 9))
`;

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

    it('tells every sender, also while another floods a destination without a peer', async () => {
      const [container] = overlay.containers;
      const flood = container.start(['python3', '-uc', floodInPortions, '10.5.77.7']);
      const refused = tunnels[0].stats().drops.noRoute;
      // More than what is reported at once and in a second.
      await expect
        .poll(() => tunnels[0].stats().drops.noRoute - refused, { timeout: 20_000 })
        .toBeGreaterThan(2000);
      for (let attempt = 0; attempt < 8; attempt++) {
        await container.run('ip', 'route', 'flush', 'cache');
        expect(await ping('-c 1 -M do', `-s ${innerMtu - headers + 1}`)).toContain('Frag needed');
      }
      await flood.stop();
      // Behind what is left of the flood, whose reports others would count.
      expect(await ping('-c 1')).toContain('1 received');
    });

    // One per call never sees a super-packet.
    if (mode !== 'one per call')
      it('tells once about datagrams that were sent in one call', async () => {
        const [from, to] = overlay.containers;
        await from.run('ip', 'route', 'flush', 'cache');
        const reports = () => icmpCounter((...command) => from.run(...command), 'InDestUnreachs');
        const before = { drops: tunnels[0].stats().drops.tooBig, reports: await reports() };
        await from.run('python3', '-c', sendSegmented, to.address, '1400', `${20 * 1400}`);
        await expect.poll(() => tunnels[0].stats().drops.tooBig).toBe(before.drops + 20);
        // A packet behind them has been sent after all reports about them.
        expect(await ping('-c 1')).toContain('1 received');
        expect(await reports()).toBe(before.reports + 1);
      });

    it('notices when the path changes', async () => {
      const [container] = overlay.containers;
      const reported = async (size: number) => {
        await container.run('ip', 'route', 'flush', 'cache');
        const answer = await ping('-c 1 -M do', `-s ${size - headers}`);
        return Number(/Frag needed and DF set \(mtu = (\d+)\)/i.exec(answer)?.[1]);
      };
      expect(await reported(innerMtu + 1)).toBe(innerMtu);
      await setPathMtu([...metric, `${pathMtu - 100}`]);
      expect(await reported(innerMtu)).toBe(innerMtu - 100);
      await setPathMtu([...metric, `${pathMtu + 100}`]);
      await expect.poll(() => reported(innerMtu + 101)).toBe(innerMtu + 100);
      await setPathMtu([...metric, `${pathMtu}`]);
    });

    it('lets TCP find out by itself', async () => {
      const [from, to] = overlay.containers;
      await from.run('ip', 'route', 'flush', 'cache');
      await serveTransfers(to);
      await checkTransfers(from, to.address, { seed: 1, bytes: 1e6 });
    });
  });
});
