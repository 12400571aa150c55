// The installation guide (docs/guides/two-docker-hosts.md), step by step on real parts: `npm run guide`.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLab, startDocker, startEtcd, type Docker, type Host, type Lab } from '@flannel-ts/lab';
import { heading, hostShell, namespaceShell, show, type HostShell } from './narrator.ts';

const ROOT = join(import.meta.dirname, '..');
const ENV = { ...process.env, PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}` };
const PREFIX = '/atomic.io/network';

/** What the guide's two variants differ in. */
interface Variant {
  readonly backend: 'vxlan' | 'udp';
  readonly device: string;
  /** How the operator writes the network config, in a shell on etcd's host. */
  readonly writeConfig: string;
  /** What tcpdump is asked to show of the tunnel. */
  readonly capture: string;
}

const VXLAN_CONFIG =
  '{"Network":"10.0.0.0/8","SubnetLen":20,"SubnetMin":"10.10.0.0","SubnetMax":"10.99.0.0","Backend":{"Type":"vxlan","VNI":100,"Port":8472}}';

const variants: readonly Variant[] = [
  {
    backend: 'vxlan',
    device: 'flannel.100',
    writeConfig: `etcdctl set ${PREFIX}/config < flannel-network-config.json`,
    capture: '-T vxlan udp port 8472',
  },
  {
    backend: 'udp',
    device: 'flannel0',
    writeConfig: `curl -sS -XPUT http://127.0.0.1:2379/v2/keys${PREFIX}/config -d value="{\\"Network\\": \\"10.10.0.0/16\\"}"`,
    capture: 'udp port 8285',
  },
];

const COMPOSE = `version: '2.4'
services:
  web:
    image: busybox
    command: sleep 3600
    network_mode: bridge
`;

if (process.getuid?.() !== 0) {
  console.error('npm run guide needs root: it makes network namespaces. Run it as root or with sudo.');
  process.exit(1);
}
for (const variant of variants) await follow(variant);
console.log('\nEvery step worked and every ping was answered, with vxlan and with udp.');

/** A host with files of its own. */
interface Machine extends HostShell {
  readonly host: Host;
}

/** A container of one host's Docker Engine. */
interface Container {
  readonly docker: Docker;
  readonly host: string;
  readonly id: string;
  readonly address: string;
}

async function follow(variant: Variant): Promise<void> {
  console.log(`\n════ The guide with ${variant.backend}`);
  await using stack = new AsyncDisposableStack();
  const lab = stack.use(await createLab());
  await startEtcdOfTheGuide(lab, stack, variant);
  const machines = await Promise.all([addMachine(lab), addMachine(lab)]);
  for (const machine of machines) await startFlanneld(machine, lab.underlayAddress);
  await showNetwork(machines, variant);
  heading('Docker is restarted with the options in /run/flannel/docker');
  const engines: Docker[] = [];
  for (const machine of machines) engines.push(stack.use(await restartDocker(machine)));
  for (const { shell } of machines) await shell('ip -brief address show docker0');
  await connectContainers(lab, machines, engines, variant);
}

async function startEtcdOfTheGuide(
  lab: Lab,
  stack: AsyncDisposableStack,
  { writeConfig }: Variant,
): Promise<void> {
  heading('etcd serves clients on 2379 and 4001, v2 API; the operator writes the network config');
  const commandPrefix = ['ip', 'netns', 'exec', lab.underlay.namespace];
  // As in the guide: the operator reaches it on 127.0.0.1, the hosts on its address.
  const serve = { everywhere: true, secondPort: 4001, enableV2: true };
  stack.use(await startEtcd({ commandPrefix, address: lab.underlayAddress, ...serve }));
  await writeFile(join(lab.directory, 'flannel-network-config.json'), VXLAN_CONFIG);
  const operator = namespaceShell(lab.underlay, 'etcd', {
    env: { ...ENV, ETCDCTL_API: '2' },
    directory: lab.directory,
  });
  show('etcd', 'cat flannel-network-config.json', VXLAN_CONFIG);
  await operator(writeConfig);
  await operator(`etcdctl get ${PREFIX}/config`);
}

async function addMachine(lab: Lab): Promise<Machine> {
  const host = await lab.addHost();
  return { host, ...(await hostShell(host, ENV)) };
}

async function startFlanneld({ host, shell, start }: Machine, etcd: string): Promise<void> {
  heading(`${host.name}: /etc/sysconfig/flanneld, then systemctl start flanneld`);
  const settings = [
    `FLANNEL_ETCD_ENDPOINTS="http://${etcd}:2379"`,
    `FLANNEL_ETCD_PREFIX="${PREFIX}"`,
    'FLANNEL_OPTIONS="--ip-masq=true"',
  ];
  await shell(`printf '%s\\n' ${settings.map((line) => `'${line}'`).join(' ')} > /etc/sysconfig/flanneld`);
  await shell('cat /etc/sysconfig/flanneld');
  // There is no systemd in the lab: the unit's own command line runs, with the unit's environment files.
  const daemon = start(await unitCommand());
  await daemon.line(/"msg":"ready"/);
  const said = daemon.lines.map((line) => JSON.parse(line) as { level: string; msg: string });
  show(host.name, 'systemctl start flanneld', said.map(({ level, msg }) => `${level}: ${msg}`).join('\n'));
}

/** What systemd would run: `ExecStart` of the unit, after its `Environment` and `EnvironmentFile`s. */
async function unitCommand(): Promise<string> {
  const unit = (await readFile(join(ROOT, 'packaging/files/flanneld.service'), 'utf8')).split('\n');
  const valuesOf = (key: string) =>
    unit.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
  const files = valuesOf('EnvironmentFile').map((file) => file.replace(/^-/, ''));
  const read = [...valuesOf('Environment'), ...files.map((file) => `[ ! -e ${file} ] || . ${file}`)].join(
    '; ',
  );
  const command = valuesOf('ExecStart')[0]!.replace('/usr/bin/', '');
  return `sh -c 'set -a; ${read}; exec ${command}'`;
}

async function showNetwork([first, second]: readonly Machine[], { device }: Variant): Promise<void> {
  heading('What etcd and the hosts hold now');
  const { shell } = first!;
  const endpoint = `ETCDCTL_API=2 etcdctl --endpoints $(. /etc/sysconfig/flanneld; echo $FLANNEL_ETCD_ENDPOINTS)`;
  const keys = (await shell(`${endpoint} ls ${PREFIX}/subnets`)).trim().split('\n');
  for (const key of keys) await shell(`${endpoint} get ${key}`);
  for (const machine of [first!, second!]) {
    await machine.shell('cat /run/flannel/subnet.env');
    await machine.shell('cat /run/flannel/docker');
    await machine.shell(`ip -brief address show ${device}`);
    await machine.shell(`ip link show ${device}`);
    await machine.shell('ip route');
  }
}

async function restartDocker({ host, shell }: Machine): Promise<Docker> {
  const options = await shell('. /run/flannel/docker; echo $DOCKER_NETWORK_OPTIONS');
  return startDocker(host, { options: options.trim().split(' ') });
}

async function connectContainers(
  lab: Lab,
  machines: readonly Machine[],
  engines: readonly Docker[],
  { capture }: Variant,
): Promise<void> {
  heading('A container on each host; they ping each other by address');
  const names = machines.map(({ host }) => host.name);
  const [first, second] = await Promise.all(
    engines.map((docker, index) => runContainer(docker, names[index]!)),
  );
  const watcher = machines[1]!.start(`tcpdump --immediate-mode -nli eth0 -c 2 ${capture}`);
  await watcher.line(/listening on/);
  await ping(first!, second!.address);
  await ping(second!, first!.address);
  await watcher.exited;
  const packets = watcher.lines.filter((line) => /^\d\d:/.test(line) || /^\s+IP |^IP /.test(line));
  show('host2', `tcpdump -ni eth0 ${capture}`, packets.join('\n'));

  heading('The same with docker compose and network_mode: bridge');
  const web = await composeService(engines[0]!, names[0]!);
  await ping(web, second!.address);
  await ping(second!, web.address);

  heading('A container reaches a host outside the overlay, which sees the address of its host');
  const outside = lab.underlay.start([
    'tcpdump',
    '--immediate-mode',
    '-nli',
    'br0',
    '-c',
    '1',
    'icmp[0] == 8',
  ]);
  await outside.line(/listening on/);
  await ping(first!, lab.underlayAddress);
  await outside.exited;
  const seen = outside.lines.find((line) => line.includes('ICMP echo request')) ?? '';
  show('outside', 'tcpdump -ni br0 icmp', seen);
  if (!seen.includes(`${machines[0]!.host.address} > `)) throw new Error('the packet was not masqueraded');
}

async function runContainer(docker: Docker, host: string): Promise<Container> {
  const id = (await docker.run('run', '--detach', docker.image, 'sleep', '3600')).trim();
  show(host, `docker run --detach ${docker.image} sleep 3600`, id);
  return inspect(docker, host, id);
}

async function composeService(docker: Docker, host: string): Promise<Container> {
  show(host, 'cat docker-compose.yml', COMPOSE);
  show(host, 'docker-compose up --detach', await docker.compose(COMPOSE, 'up', '--detach'));
  return inspect(docker, host, (await docker.compose(COMPOSE, 'ps', '--quiet', 'web')).trim());
}

async function inspect(docker: Docker, host: string, id: string): Promise<Container> {
  const format = '{{.NetworkSettings.IPAddress}}';
  const address = (await docker.run('inspect', '--format', format, id)).trim();
  show(host, `docker inspect --format '${format}' ${id.slice(0, 12)}`, address);
  return { docker, host, id, address };
}

/** @throws {CommandError} when a ping was not answered */
async function ping({ docker, host, id }: Container, address: string): Promise<void> {
  const command = ['exec', id.slice(0, 12), 'ping', '-c', '3', '-i', '0.2', '-W', '3', address];
  const output = await docker.run(...command);
  show(host, `docker ${command.join(' ')}`, output);
  if (!output.includes(' 0% packet loss')) throw new Error(`${address} did not answer every ping`);
}
