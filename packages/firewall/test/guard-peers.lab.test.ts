import { parseAddress } from '@flannel-ts/ip';
import { createNamespace, type Namespace } from '@flannel-ts/lab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FirewallEvent } from '../src/index.ts';
import { forge, listen, send } from './support/datagrams.ts';
import { createGuardedOverlay, UDP, VXLAN, type GuardedOverlay } from './support/guarded-overlay.ts';
import type { OverlayHost } from './support/overlay.ts';
import { nftables } from './support/tools.ts';

let overlay: GuardedOverlay;
let first: OverlayHost;
let second: OverlayHost;
let events: FirewallEvent[];

let namespaces: AsyncDisposableStack;

async function start(): Promise<void> {
  namespaces = new AsyncDisposableStack();
  overlay = await createGuardedOverlay();
  ({ first, second, events } = overlay);
}

async function end(): Promise<void> {
  await overlay[Symbol.asyncDispose]();
  await namespaces.disposeAsync();
}

const at = ({ namespace, at }: OverlayHost) => ({ namespace, address: at[4].underlay });

describe.skipIf(nftables.missing)('hosts and peers', () => {
  beforeEach(start);
  afterEach(end);

  /** A host that is reached by way of the first, on a link of its own. */
  async function addHostBehind(): Promise<Namespace> {
    const behind = namespaces.use(await createNamespace(`ftlab-${process.pid}-behind`));
    await first.namespace.run(
      'ip',
      'link',
      'add',
      'eth1',
      'type',
      'veth',
      'peer',
      'eth0',
      'netns',
      behind.namespace,
    );
    await first.namespace.run('ip', 'address', 'add', '192.0.2.1/24', 'dev', 'eth1');
    await first.namespace.run('ip', 'link', 'set', 'eth1', 'up');
    await behind.run('ip', 'address', 'add', '192.0.2.2/24', 'dev', 'eth0');
    await behind.run('ip', 'link', 'set', 'eth0', 'up');
    await behind.run('ip', 'route', 'add', 'default', 'via', '192.0.2.1');
    await second.namespace.run('ip', 'route', 'add', '192.0.2.0/24', 'via', first.at[4].underlay);
    return behind;
  }

  it('a peer that is routed through the host is let through, and a container in its name is not', async () => {
    const behind = await addHostBehind();
    await using tunnel = await listen(at(second), UDP);
    const forged = { to: second.at[4].underlay, port: UDP, text: 'forged' };
    await forge(first.container.namespace, '192.0.2.2', forged);
    expect(await tunnel.until(first.namespace)).toEqual(['192.0.2.2 8285 forged']);
    const firewall = overlay.createFirewall({ tool: 'iptables' });
    await firewall.apply(overlay.guarding());
    const packet = { ...forged, fromPort: UDP, text: 'genuine' };
    await send(behind, packet);
    expect(await tunnel.until(first.namespace)).toEqual([]);
    await firewall.updatePeers({ add: [parseAddress('192.0.2.2')], remove: [] });
    await send(behind, packet);
    await forge(first.container.namespace, '192.0.2.2', forged);
    expect(await tunnel.until(first.namespace)).toEqual(['192.0.2.2 8285 genuine']);
  });

  it('vxlan takes packets of its network from peers only, and those of other networks from all', async () => {
    const behind = await addHostBehind();
    const here = { to: first.at[4].underlay, port: VXLAN };
    await using tunnel = await listen(at(first), VXLAN);
    const { namespace: container, at: inside } = first.container;
    const ways = async () => {
      await send(second.namespace, { ...here, text: '1/peer' });
      await send(overlay.outside.namespace, { ...here, text: '1/outside' });
      await send(overlay.outside.namespace, { ...here, text: '2/other network' });
      await send(container, { ...here, text: '1/container' });
      await send(behind, { ...here, text: '1/behind' });
      await forge(container, second.at[4].underlay, { ...here, text: '1/forged' });
      await send(first.namespace, { to: '127.0.0.1', port: VXLAN, text: '1/loopback' });
      const lines = await tunnel.until(first.namespace);
      return lines.map((line) => line.split(' ').slice(2).join(' '));
    };
    await first.namespace.run(
      'sysctl',
      '-qw',
      'net.ipv4.conf.all.rp_filter=0',
      'net.ipv4.conf.docker0.rp_filter=0',
    );
    const all = ['peer', 'outside', 'other network', 'container', 'behind', 'forged', 'loopback'];
    expect(await ways()).toEqual(all);
    const firewall = overlay.createFirewall({ tool: 'iptables', resyncMs: 50 });
    await firewall.apply(overlay.guarding({ port: VXLAN, onlyPeersVni: 1 }));
    expect(await ways()).toEqual(['peer', 'other network', 'loopback']);
    await firewall.updatePeers({
      add: ['192.0.2.2', overlay.outside.at[4].underlay].map(parseAddress),
      remove: [],
    });
    expect(await ways()).toEqual(['peer', 'outside', 'other network', 'behind', 'loopback']);
    await firewall.updatePeers({ add: [], remove: [parseAddress(second.at[4].underlay)] });
    expect(await ways()).toEqual(['outside', 'other network', 'behind', 'loopback']);
    await expect
      .poll(() => refusedSources())
      .toEqual(
        new Set([
          `no-lease ${overlay.outside.at[4].underlay}`,
          `no-lease ${inside[4].overlay}`,
          'no-lease 192.0.2.2',
          `no-lease ${second.at[4].underlay}`,
          `other-interface ${second.at[4].underlay}`,
        ]),
      );
    await firewall.apply(overlay.guarding({ port: VXLAN }));
    expect(await ways()).toEqual(all);
  });

  function refusedSources(): ReadonlySet<string> {
    const refusals = events.flatMap((event) => (event.kind === 'refused' ? event.refusals : []));
    return new Set(refusals.map(({ reason, source }) => `${reason} ${source}`));
  }
});
