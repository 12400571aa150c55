import { fileURLToPath } from 'node:url';
import { parsePrefix } from '@flannel-ts/ip';
import {
  createCluster,
  createLab,
  type Container,
  type Host,
  type Lab,
  type RunningProcess,
} from '@flannel-ts/lab';
import type { Path } from './path.ts';
import type { TunnelHostOptions } from './tunnel-host.ts';

/** Two ends of a path that traffic is sent over, in a lab of their own. */
export interface Pair {
  /** What the table calls it. */
  readonly name: string;
  readonly lab: Lab;
  readonly from: Container | Host;
  readonly to: Container | Host;
  /** The hosts whose underlay is between them: that of `from`, that of `to`. */
  readonly hosts: readonly [Host, Host];
  /** Which path a tunnel between them must take, or the run fails. @default there is no tunnel */
  readonly path?: Path;
  /** The processes of a tunnel without the daemon. @default there is none */
  readonly tunnels?: readonly RunningProcess[];
}

/** The hosts themselves: what the machine can do. */
export async function hostPair(stack: AsyncDisposableStack, name: string): Promise<Pair> {
  const lab = stack.use(await createLab());
  const [from, to] = [await lab.addHost(), await lab.addHost()];
  return { name, lab, from, to, hosts: [from, to] };
}

/** Containers of two hosts that run the built `flanneld`. */
export async function flanneldPair(
  stack: AsyncDisposableStack,
  name: string,
  backend: string,
): Promise<Pair> {
  const cluster = stack.use(await createCluster({ backend: { Type: backend } }));
  const [first, second] = [await cluster.addNode(), await cluster.addNode()];
  await cluster.converged();
  return {
    name,
    lab: cluster.lab,
    from: await first.addContainer(),
    to: await second.addContainer(),
    hosts: [first.host, second.host],
  };
}

/** Containers of two hosts with a tunnel alone, each in a process of its own. */
export async function tunnelPair(
  stack: AsyncDisposableStack,
  name: string,
  options: Pick<TunnelHostOptions, 'offloads' | 'threads' | 'fastPath' | 'peers'>,
): Promise<Pair> {
  const lab = stack.use(await createLab());
  const hosts = [await lab.addHost(), await lab.addHost()] as const;
  const subnets = ['10.5.1.0/24', '10.5.2.0/24'] as const;
  const ends = hosts.map(async (host, index) => {
    const other = 1 - index;
    const tunnel = await startTunnel(host, {
      ...options,
      mtu: MTU,
      address: host.address,
      subnet: subnets[index]!,
      other: { subnet: subnets[other]!, address: hosts[other]!.address },
    });
    const bip = subnets[index]!.replace('.0/', '.1/');
    return { tunnel, container: await host.addContainer({ bip, mtu: MTU }) };
  });
  const [from, to] = await Promise.all(ends);
  const path = options.fastPath ? 'in the kernel' : 'through user space';
  const tunnels = [from!.tunnel, to!.tunnel];
  return { name, lab, from: from!.container, to: to!.container, hosts, path, tunnels };
}

/** Behind an underlay of 1500 bytes. */
const MTU = 1472;

async function startTunnel(host: Host, options: TunnelHostOptions): Promise<RunningProcess> {
  const program = [
    '--conditions=@flannel-ts/source',
    fileURLToPath(new URL('tunnel-host.ts', import.meta.url)),
  ];
  const tunnel = host.start([process.execPath, ...program, JSON.stringify(options)]);
  const device = (await tunnel.line(/^ready /)).split(' ')[1]!;
  await host.run(
    'ip',
    'address',
    'add',
    `${parsePrefix(options.subnet).network.toString()}/32`,
    'dev',
    device,
  );
  await host.run('ip', 'route', 'add', '10.5.0.0/16', 'dev', device);
  return tunnel;
}
