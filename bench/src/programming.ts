import { createDevice, type HostState } from '@flannel-ts/device';
import { parseAddress, Prefix } from '@flannel-ts/ip';
import { createLab, run, type Host } from '@flannel-ts/lab';
import { inNamespace, openNetlinkPort } from '@flannel-ts/native';
import { createNetlink } from '@flannel-ts/netlink';
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
  device.own({ links: [LINK], gatewayRoutes: [] });
  const name = `programming, ${PEERS} peers`;
  const time = async (metric: string, work: () => Promise<void>) => {
    const started = performance.now();
    await work();
    sample(name, metric, 'ms', performance.now() - started);
  };
  const wanted = new Map<string, HostState>([['self', self(host)], ...peers()]);
  await time('apply to an empty host', () => device.apply(wanted));
  await time('compare, nothing to do', () => device.reconcile());
  await time('change one peer', () =>
    device.update(new Map([['peer 5000', peer(5_000, '02:ff:00:00:00:01')]])),
  );
  const routes = (await host.run('ip', 'route', 'show', 'dev', LINK)).trim().split('\n').length;
  if (routes !== PEERS) throw new Error(`${routes} of ${PEERS} routes are there`);
  await batch(host, sample);
}

/** The kernel's own share: the same routes by `ip -batch` on another link. */
async function batch(host: Host, sample: BenchContext['sample']): Promise<void> {
  await host.run('ip', 'link', 'add', 'other', 'type', 'bridge');
  await host.run('ip', 'link', 'set', 'other', 'up');
  const lines = [...peers()].map(([, { routes }]) => {
    const { destination, gateway } = routes![0]!;
    return `route add ${destination.toString()} via ${gateway!.toString()} dev other onlink metric 1`;
  });
  const started = performance.now();
  await run(['ip', '-n', host.namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` });
  sample(`programming, ${PEERS} peers`, 'the routes alone by ip -batch', 'ms', performance.now() - started);
}

function self(host: Host): HostState {
  const local = parseAddress(host.address);
  const fixed = { vni: 1, port: 8472, parent: 'eth0', learning: false, gbp: false, mtu: 1450 };
  return { links: [{ kind: 'vxlan', name: LINK, local, ...fixed }] };
}

function* peers(): Iterable<[string, HostState]> {
  for (let index = 0; index < PEERS; index++) {
    const mac = `02:00:00:00:${hex(index >> 8)}:${hex(index & 255)}`;
    yield [`peer ${index}`, peer(index, mac)];
  }
}

function peer(index: number, mac: string): HostState {
  const destination = new Prefix(parseAddress('10.100.0.0'), 24).offset(index);
  const address = destination.network;
  return {
    neighbours: [{ link: LINK, address, mac }],
    fdb: [{ link: LINK, mac, destination: parseAddress('172.20.0.0').offset(index) }],
    routes: [{ destination, gateway: address, link: LINK, onlink: true }],
  };
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
