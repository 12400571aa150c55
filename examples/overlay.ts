// A real overlay between hosts: `npm start -- --backend vxlan --hosts 3`.
import {
  createCluster,
  iperf,
  type Cluster,
  type Container,
  type EngineRelease,
  type Node,
} from '@flannel-ts/lab';
import { readOptions, type OverlayOptions } from './overlay-options.ts';

const options = readOptions();
if (!options) process.exit(2);
if (process.getuid?.() !== 0) {
  console.error('npm start needs root: it makes network namespaces. Run it as root or with sudo.');
  process.exit(1);
}
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopped.abort());

process.exitCode = (await main(options)) ? 0 : 1;

async function main({ backend, hosts, docker, keep }: OverlayOptions): Promise<boolean> {
  heading(`${hosts} hosts on one underlay network, etcd, and a flanneld (${backend}) on each`);
  await using cluster = await createCluster({ backend: { Type: backend } });
  console.log(`etcd            ${cluster.endpoint}`);
  console.log(
    `network config  ${await cluster.etcd.etcdctl('get', '--print-value-only', '/coreos.com/network/config')}`.trim(),
  );
  const nodes: Node[] = [];
  for (let index = 0; index < hosts; index++) {
    const started = performance.now();
    const node = await cluster.addNode();
    await node.ready();
    const env = await node.subnetEnv();
    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    console.log(
      `${node.host.name.padEnd(8)} ${node.host.address}  subnet ${env.FLANNEL_SUBNET}  MTU ${env.FLANNEL_MTU}  ready in ${seconds} s`,
    );
    nodes.push(node);
  }
  await cluster.converged();
  await using engines = new AsyncDisposableStack();
  const containers = docker
    ? await startContainers(nodes, docker, engines)
    : await Promise.all(nodes.map((node) => node.addContainer()));

  heading('Leases in etcd');
  console.log((await cluster.etcd.etcdctl('get', '--prefix', '/coreos.com/network/subnets/')).trim());
  heading('Routes and devices of each host');
  for (const node of nodes) await showHost(node);

  heading('Pings among all containers');
  const lost = await pingAll(nodes, containers);
  if (lost === 0) {
    heading('Throughput between two containers, TCP, one stream');
    await showThroughput(backend, containers);
  }

  console.log(lost === 0 ? '\nEvery ping was answered.' : `\n${lost} pings were not answered.`);
  if (keep && !stopped.signal.aborted) await stayUp(cluster, nodes, containers);
  return lost === 0;
}

/** Starts an engine on each host with flanneld's options, and a container in each. */
async function startContainers(
  nodes: readonly Node[],
  release: EngineRelease,
  stack: AsyncDisposableStack,
): Promise<Container[]> {
  heading(`A Docker Engine on each host with the options that flanneld rendered, and a container`);
  const containers: Container[] = [];
  for (const node of nodes) {
    const docker = stack.use(await node.startDocker(release));
    const container = await docker.addContainer();
    const version = (await docker.run('version', '--format', '{{.Server.Version}}')).trim();
    console.log(`${node.host.name.padEnd(8)} Docker ${version}  container ${container.address}`);
    containers.push(container);
  }
  return containers;
}

async function showHost({ host }: Node): Promise<void> {
  const routes = (await host.run('ip', 'route')).trim().split('\n');
  const devices = (await host.run('ip', '-brief', 'address')).trim().split('\n');
  console.log(`${host.name}\n${[...devices, ...routes].map((line) => `    ${line.trim()}`).join('\n')}`);
}

/** Pings along every direction of every pair, at once; prints a matrix of milliseconds and counts what was lost. */
async function pingAll(nodes: readonly Node[], containers: readonly Container[]): Promise<number> {
  console.log(`from \\ to  ${containers.map(({ address }) => address.padEnd(13)).join('')}`);
  const rows = await Promise.all(
    containers.map((from) => Promise.all(containers.map((to) => ping(from, to)))),
  );
  rows.forEach((row, index) =>
    console.log(`${nodes[index]!.host.name.padEnd(11)}${row.map((cell) => cell.padEnd(13)).join('')}`),
  );
  return rows.flat().filter((cell) => cell === 'lost').length;
}

async function ping(from: Container, to: Container): Promise<string> {
  if (from === to) return '–';
  const output = await from.run('ping', '-c', '1', '-W', '5', to.address).catch(() => '');
  const time = /time=([\d.]+) ms/.exec(output)?.[1];
  return time === undefined ? 'lost' : `${time} ms`;
}

async function showThroughput(backend: string, containers: readonly Container[]): Promise<void> {
  const measured = await iperf(containers[0]!, containers[1]!, { seconds: 3 });
  console.log(`${backend.padEnd(8)} ${gigabits(measured)}`);
  if (backend === 'vxlan') return;
  await using other = await createCluster({ backend: { Type: 'vxlan' } });
  const nodes = [await other.addNode(), await other.addNode()];
  await other.converged();
  const [from, to] = await Promise.all(nodes.map((node) => node.addContainer()));
  console.log(`vxlan    ${gigabits(await iperf(from!, to!, { seconds: 3 }))}  (for comparison, another lab)`);
}

async function stayUp(
  cluster: Cluster,
  nodes: readonly Node[],
  containers: readonly Container[],
): Promise<void> {
  const { namespace } = nodes[0]!.host;
  heading('Still up; end with Ctrl-C');
  console.log(`a shell on host1            ip netns exec ${namespace} bash`);
  console.log(`a shell in its container    ip netns exec ${containers[0]!.namespace} bash`);
  console.log(
    `etcd                        ip netns exec ${cluster.lab.underlay.namespace} etcdctl --endpoints ${cluster.endpoint} get --prefix /`,
  );
  for (const { host, daemon } of nodes)
    console.log(`${host.name.padEnd(27)} flanneld is process ${daemon.pid}`);
  const alive = setInterval(() => undefined, 60_000);
  await new Promise((resolve) => stopped.signal.addEventListener('abort', resolve));
  clearInterval(alive);
}

function heading(text: string): void {
  console.log(`\n── ${text}`);
}

function gigabits(bitsPerSecond: number): string {
  return `${(bitsPerSecond / 1e9).toFixed(2)} Gbit/s`;
}
