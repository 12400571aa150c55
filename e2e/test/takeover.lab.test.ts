import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCluster, type Cluster, type Node } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { showLogsOnFailure } from './contract.ts';
import { NO_LOSSES, startTraffic, type Traffic } from './traffic.ts';

const WORKSPACE = join(import.meta.dirname, '../..');
const CONFIG = '/coreos.com/network/config';
const FLAGS = ['--ip-masq'];

/** Two hosts with daemons. */
interface World {
  readonly cluster: Cluster;
  readonly nodes: readonly Node[];
  /** The directory that the daemons' program is installed in. */
  readonly program: string;
}

type Takeovers = Readonly<Record<string, (world: World) => Promise<void>>>;

/** What becomes of daemons while containers talk. */
const TAKEOVERS: Takeovers = {
  'every daemon is ended by SIGTERM and started again': ({ nodes }) => inTurn(nodes, restartAfter('SIGTERM')),
  'every daemon is ended by SIGKILL and started again': ({ nodes }) => inTurn(nodes, restartAfter('SIGKILL')),
  'every daemon is upgraded, and ended twice while it starts': async ({ nodes, program }) => {
    await install(program);
    await inTurn(nodes, async (node) => {
      for (const moment of [/"msg":"flanneld starts"/, /"msg":"subnet leased"/]) {
        await node.restart();
        await node.daemon.line(moment);
      }
      await restartAfter('SIGTERM')(node);
    });
  },
  'options of the network config change': async ({ cluster: { etcd }, nodes }) => {
    const text = await etcd.etcdctl('get', '--print-value-only', CONFIG);
    const config = JSON.parse(text) as { readonly Backend: object };
    const Backend = { ...config.Backend, MTU: 1_400, DirectRouting: true };
    const write = (value: object) => etcd.etcdctl('put', CONFIG, JSON.stringify(value));
    await allBeginAgain(nodes, () => write({ ...config, Backend, SubnetLen: 24, EnableNFTables: true }));
    await allBeginAgain(nodes, () => write(config));
  },
  'the MTU of the underlay changes and etcd is frozen': ({ cluster: { etcd }, nodes }) =>
    allBeginAgain(nodes, async () => {
      await etcd.stop();
      await inTurn(nodes, setUnderlayMtu(1_400));
      etcd.cont();
    }),
  'the MTU of the underlay changes and etcd is down': ({ cluster: { etcd }, nodes }) =>
    allBeginAgain(nodes, async () => {
      await etcd.kill();
      await inTurn(nodes, setUnderlayMtu(1_500));
      await etcd.restart();
    }),
};

/** What two daemons of a host can do at once only if the data path is not in one of them. */
const KERNEL_TAKEOVERS: Takeovers = {
  ...TAKEOVERS,
  'the next daemon is ready before the last one ends': ({ cluster, nodes, program }) =>
    inTurn(nodes, async (node) => {
      const flags = [`--etcd-endpoints=${cluster.endpoint}`, `--subnet-file=${node.subnetFile}`, ...FLAGS];
      await using next = node.host.start([flanneld(program), ...flags]);
      await next.line(/"msg":"another process keeps the network of this subnet file"/);
      await next.line(/"msg":"ready"/);
      await node.daemon.stop();
      await next.stop();
      await node.restart();
      await node.ready();
    }),
};

/** The daemons run from files of their own, on hosts that forward nothing unless a rule accepts it, as with Docker. */
function connectContainers(type: string) {
  const stack = new AsyncDisposableStack();
  let world: World;
  let traffic: Traffic;

  beforeAll(async () => {
    const program = await mkdtemp(join(tmpdir(), 'flanneld-'));
    stack.defer(() => rm(program, { recursive: true }));
    await install(program);
    const cluster = stack.use(
      await createCluster({ backend: { Type: type }, flanneld: [flanneld(program)] }),
    );
    const nodes = [await cluster.addNode({ flags: FLAGS }), await cluster.addNode({ flags: FLAGS })] as const;
    world = { cluster, nodes, program };
    await inTurn(nodes, ({ host }) => host.run('iptables', '-P', 'FORWARD', 'DROP'));
    await cluster.converged();
    traffic = stack.use(await startTraffic(await nodes[0].addContainer(), await nodes[1].addContainer()));
  });
  afterAll(() => stack.disposeAsync());
  showLogsOnFailure(() => world.nodes);

  return { lossesDuring: (task: Takeovers[string]) => traffic.lossesDuring(() => task(world)) };
}

describe.each(['vxlan', 'host-gw'])('a TCP connection by %s', (type) => {
  const containers = connectContainers(type);

  it.each(Object.entries(KERNEL_TAKEOVERS))('loses nothing while %s', async (_, takeover) => {
    expect(await containers.lossesDuring(takeover)).toEqual(NO_LOSSES);
  });
});

describe('a TCP connection by udp', () => {
  const containers = connectContainers('udp');

  it.each(Object.entries(TAKEOVERS))(
    'survives that %s, and is silent for less than two seconds',
    async (_, takeover) => {
      expect((await containers.lossesDuring(takeover)).silenceMs).toBeLessThan(2_000);
    },
  );
});

const flanneld = (program: string) => join(program, 'bin/flanneld');

/** Replaces what is in a directory by the built daemon, as a package manager does while the former one runs. */
async function install(program: string): Promise<void> {
  await rm(program, { recursive: true });
  for (const part of ['package.json', 'bin', 'dist'])
    await cp(join(WORKSPACE, 'apps/flanneld', part), join(program, part), { recursive: true });
  await symlink(process.execPath, join(program, 'bin/node'));
  await symlink(join(WORKSPACE, 'node_modules'), join(program, 'node_modules'));
}

async function inTurn(nodes: readonly Node[], task: (node: Node) => Promise<unknown>): Promise<void> {
  for (const node of nodes) await task(node);
}

function restartAfter(signal: 'SIGTERM' | 'SIGKILL'): (node: Node) => Promise<void> {
  return async (node) => {
    node.daemon.signal(signal);
    await node.daemon.exited;
    await node.restart();
    await node.ready();
  };
}

/** Changes what the daemons are made from, and waits until they are ready again. */
async function allBeginAgain(nodes: readonly Node[], change: () => Promise<unknown>): Promise<void> {
  await Promise.all([...nodes.map(({ daemon }) => daemon.nextLine(/"msg":"ready"/)), change()]);
}

/** Changes the MTU of the underlay, and waits until the daemon begins again. */
function setUnderlayMtu(mtu: number): (node: Node) => Promise<void> {
  return async ({ host, daemon }) => {
    const begins = daemon.nextLine(/"msg":"beginning again with what changed"/);
    await Promise.all([begins, host.run('ip', 'link', 'set', 'eth0', 'mtu', `${mtu}`)]);
  };
}
