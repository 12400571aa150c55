import { createDevice, type HostState } from '@flannel-ts/device';
import { parseAddress } from '@flannel-ts/ip';
import { createLab, run, type Host } from '@flannel-ts/lab';
import { inNamespace, openNetlinkPort } from '@flannel-ts/native';
import { createNetlink } from '@flannel-ts/netlink';
import { peer, peers, type Peer } from './peers.ts';
import type { BenchContext, Benchmark } from './report.ts';

const PEERS = 10_000;
const LINK = 'flannel.1';

/** How long the kernel state of 10,000 peers takes: a neighbour, an FDB entry and a route for each. */
export const programming: Benchmark = {
  name: 'programming',
  describe: 'programming 10,000 vxlan peers (neighbour, FDB entry, route), comparing them, changing one',
  async run(context) {
    for (let round = 1; round <= context.rounds; round++) {
      context.progress(`round ${round}`);
      await using lab = await createLab();
      await measure(await lab.addHost(), context);
    }
  },
};

async function measure(host: Host, { sample }: BenchContext): Promise<void> {
  await using netlink = createNetlink({
    openPort: (options) => inNamespace(host.path, () => openNetlinkPort(options)),
  });
  await using device = createDevice({ netlink });
  const ownership = { links: [{ name: LINK, kind: 'vxlan' }], gatewayRoutes: [] } as const;
  const name = `programming, ${PEERS} peers`;
  const time = async (metric: string, work: () => Promise<void>) => {
    const started = performance.now();
    await work();
    sample(name, { metric, unit: 'ms', value: performance.now() - started });
  };
  const wanted = new Map(peers(PEERS).map((each, index) => [`peer ${index}`, wantedOf(each)]));
  wanted.set('self', self(host));
  await time('apply to an empty host', () => device.apply(wanted, ownership));
  await time('compare, nothing to do', () => device.reconcile());
  await time('change one peer', () =>
    device.update(new Map([['peer 5000', wantedOf({ ...peer(5_000), mac: '02:ff:00:00:00:01' })]])),
  );
  const routes = (await host.run('ip', 'route', 'show', 'dev', LINK)).trim().split('\n').length;
  if (routes !== PEERS) throw new Error(`${routes} of ${PEERS} routes are there`);
  await batch(host, sample);
}

/** The kernel's own share: the same routes by `ip -batch` on another link. */
async function batch(host: Host, sample: BenchContext['sample']): Promise<void> {
  await host.run('ip', 'link', 'add', 'other', 'type', 'bridge');
  await host.run('ip', 'link', 'set', 'other', 'up');
  const lines = peers(PEERS).map(
    ({ subnet }) =>
      `route add ${subnet.toString()} via ${subnet.network.toString()} dev other onlink metric 1`,
  );
  const started = performance.now();
  await run(['ip', '-n', host.namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` });
  sample(`programming, ${PEERS} peers`, {
    metric: 'the routes alone by ip -batch',
    unit: 'ms',
    value: performance.now() - started,
  });
}

function self(host: Host): HostState {
  const local = parseAddress(host.address);
  const fixed = { vni: 1, port: 8472, parent: 'eth0', learning: false, gbp: false, mtu: 1450 };
  return { links: [{ kind: 'vxlan', name: LINK, local, ...fixed }] };
}

function wantedOf({ subnet, publicIp, mac }: Peer): HostState {
  const address = subnet.network;
  return {
    neighbours: [{ link: LINK, address, mac }],
    fdb: [{ link: LINK, mac, destination: publicIp }],
    routes: [{ destination: subnet, gateway: address, link: LINK, onlink: true }],
  };
}
