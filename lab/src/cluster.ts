import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningProcess } from './command.ts';
import type { Container } from './container.ts';
import { startDocker, type Docker } from './docker.ts';
import type { EngineRelease } from './docker-engine.ts';
import { startEtcd } from './etcd.ts';
import type { Etcd } from './etcd-member.ts';
import { createLab, type Host, type HostOptions, type Lab } from './lab.ts';

export interface ClusterOptions {
  /** The network config's `Backend` object. */
  readonly backend: { readonly Type: string; readonly [option: string]: unknown };
  /** Other keys of the network config. @default { Network: '10.5.0.0/16' } */
  readonly network?: { readonly Network: string; readonly [key: string]: unknown };
  /** Which API of etcd gets the network config; `v2` serves both. @default 'v3' */
  readonly etcdApi?: 'v2' | 'v3';
  /** Command that runs the daemon, before its flags. @default the workspace's built flanneld */
  readonly flanneld?: readonly string[];
}

/** A lab with an etcd, whose hosts run one `flanneld` each. */
export interface Cluster extends AsyncDisposable {
  readonly lab: Lab;
  readonly etcd: Etcd;
  /** etcd's client URL as the hosts see it. */
  readonly endpoint: string;
  /** Adds a host and starts `flanneld` on it. */
  addNode(options?: NodeOptions): Promise<Node>;
  /**
   * Resolves when all nodes whose daemons run are ready and know each other; a daemon's own `ready` does not
   * mean that.
   */
  converged(): Promise<void>;
}

export interface NodeOptions extends HostOptions {
  /** Flags added to the daemon's command line. */
  readonly flags?: readonly string[];
}

/** A host with its daemon. */
export interface Node {
  readonly host: Host;
  /** The daemon that runs now; {@link Node.restart} replaces it. */
  readonly daemon: RunningProcess;
  /** subnet.env's path. */
  readonly subnetFile: string;
  /** Resolves when the daemon says that it is ready. */
  ready(): Promise<void>;
  /**
   * Resolves when this host has been made equal to the lease that `peer` took. Needs our own daemon, whose
   * debug log is on in a cluster.
   * @returns milliseconds from the taking of the lease until then, by the clocks of the two daemons' logs
   */
  knows(peer: Node): Promise<number>;
  /** Stops the daemon if it still runs and starts it again, with more flags if there are any. */
  restart(flags?: readonly string[]): Promise<void>;
  /** What subnet.env says. */
  subnetEnv(): Promise<SubnetEnv>;
  /** Adds a container configured from subnet.env. */
  addContainer(): Promise<Container>;
  /** Starts a Docker Engine with the options that mk-docker-opts renders from subnet.env, and nothing else. */
  startDocker(engine?: EngineRelease): Promise<Docker>;
}

export interface SubnetEnv {
  readonly FLANNEL_NETWORK: string;
  readonly FLANNEL_SUBNET: string;
  readonly FLANNEL_MTU: string;
  readonly FLANNEL_IPMASQ: string;
}

const PREFIX = '/coreos.com/network';
const BIN = join(import.meta.dirname, '../../node_modules/.bin');
const BUILT_FLANNELD = [join(BIN, 'flanneld')];

/** What a daemon logs when it has a lease. */
interface LeasedFacts {
  /** Key of its lease: `10.5.69.0-24`. */
  readonly lease: string;
  /** The registry's revision of the lease. */
  readonly revision: string;
}

/** Starts etcd in a new lab and writes the network config; the cluster has no nodes yet. */
export async function createCluster(options: ClusterOptions): Promise<Cluster> {
  await using stack = new AsyncDisposableStack();
  const lab = stack.use(await createLab());
  const inUnderlay = ['ip', 'netns', 'exec', lab.underlay.namespace];
  const enableV2 = options.etcdApi === 'v2';
  const etcd = stack.use(
    await startEtcd({ commandPrefix: inUnderlay, address: lab.underlayAddress, enableV2 }),
  );
  const endpoint = etcd.endpoints[0]!;
  const config = { ...(options.network ?? { Network: '10.5.0.0/16' }), Backend: options.backend };
  const key = `${PREFIX}/config`;
  if (enableV2) await etcd.etcdctlV2('set', key, JSON.stringify(config));
  else await etcd.etcdctl('put', key, JSON.stringify(config));
  const nodes: Node[] = [];
  const all = stack.move();
  return {
    lab,
    etcd,
    endpoint,
    converged: async () => {
      const running = nodes.filter(({ daemon }) => daemon.running);
      const pairs = running.flatMap((node) =>
        running.filter((peer) => peer !== node).map((peer) => ({ node, peer })),
      );
      await Promise.all(running.map((node) => node.ready()));
      await Promise.all(pairs.map(({ node, peer }) => node.knows(peer)));
    },
    addNode: async ({ flags = [], ...hostOptions } = {}) => {
      const host = await lab.addHost(hostOptions);
      const command = [...(options.flanneld ?? BUILT_FLANNELD), `--etcd-endpoints=${endpoint}`, ...flags];
      const node = startNode(host, command);
      nodes.push(node);
      return node;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** When a daemon wrote a line of its log, in milliseconds of the wall clock. */
export function loggedAt(line: string): number {
  return Date.parse((JSON.parse(line) as { time: string }).time);
}

function startNode(host: Host, flanneld: readonly string[]): Node {
  const subnetFile = join(host.directory, 'subnet.env');
  const command = [...flanneld, `--subnet-file=${subnetFile}`, '-v=2'];
  let daemon = host.start(command);
  const subnetEnv = async () => {
    const lines = (await readFile(subnetFile, 'utf8')).trim().split('\n');
    return Object.fromEntries(lines.map((line) => line.split('='))) as unknown as SubnetEnv;
  };
  return {
    host,
    subnetFile,
    get daemon() {
      return daemon;
    },
    ready: async () => {
      await daemon.line(/"msg":"ready"/);
    },
    knows: async (peer) => {
      const leased = await peer.daemon.line(/"msg":"subnet leased"/);
      const { lease, revision } = JSON.parse(leased) as LeasedFacts;
      const followed = await daemon.line(new RegExp(`"${lease}@${revision}".*"msg":"leases followed"`));
      return loggedAt(followed) - loggedAt(leased);
    },
    restart: async (flags = []) => {
      await daemon.stop();
      daemon = host.start([...command, ...flags]);
    },
    subnetEnv,
    addContainer: async () => {
      const env = await subnetEnv();
      return host.addContainer({ bip: env.FLANNEL_SUBNET, mtu: Number(env.FLANNEL_MTU) });
    },
    startDocker: async (engine) => {
      // As an operator's unit does: the options are words of a variable.
      const file = join(host.directory, 'docker');
      await host.run(join(BIN, 'mk-docker-opts'), '-f', subnetFile, '-d', file, '-c');
      const words = await host.run('sh', '-c', '. "$0"; printf "%s\\n" $DOCKER_OPTS', file);
      return startDocker(host, { engine, options: words.trim().split('\n') });
    },
  };
}
