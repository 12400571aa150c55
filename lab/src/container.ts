import { run } from './command.ts';
import { createNamespace, type Namespace } from './namespace.ts';

/** Docker's own options, as a daemon for this host was given them. */
export interface ContainerOptions {
  /** Address and prefix length of the `docker0` bridge: `10.5.69.1/24` (Docker's `--bip`). */
  readonly bip: string;
  /** MTU of the container's interface in bytes (Docker's `--mtu`). */
  readonly mtu: number;
}

/** A container: a namespace whose `eth0` is a port of its host's `docker0` bridge. */
export interface Container extends Namespace {
  readonly address: string;
}

/** Given, as Docker gives one: see the underlay's. */
const BRIDGE_MAC = '02:42:00:00:00:01';

/** Makes a container the way Docker's bridge driver does. The first one of a host brings up `docker0`. */
export async function createContainer(
  host: Namespace,
  name: string,
  { bip, mtu }: ContainerOptions,
): Promise<Container> {
  const [gateway, length] = bip.split('/') as [string, string];
  const bridges = await host.json<{ ifname: string }[]>('ip', '-json', 'link', 'show', 'type', 'bridge');
  if (!bridges.some((link) => link.ifname === 'docker0')) {
    const settings = ['address', BRIDGE_MAC, 'mtu', `${mtu}`];
    await host.run('ip', 'link', 'add', 'docker0', ...settings, 'type', 'bridge');
    await host.run('ip', 'address', 'add', bip, 'dev', 'docker0');
    await host.run('ip', 'link', 'set', 'docker0', 'up');
  }
  const number = Number(name.slice(name.lastIndexOf('-') + 1));
  const address = gateway.replace(/\d+$/, (last) => `${Number(last) + number}`);
  const container = await createNamespace(name);
  const port = `veth${number}`;
  const peer = ['eth0', 'netns', name, 'mtu', `${mtu}`];
  await host.run('ip', 'link', 'add', port, 'mtu', `${mtu}`, 'type', 'veth', 'peer', 'name', ...peer);
  await host.run('ip', 'link', 'set', port, 'master', 'docker0', 'up');
  await run(['ip', '-n', name, 'address', 'add', `${address}/${length}`, 'dev', 'eth0']);
  await run(['ip', '-n', name, 'link', 'set', 'eth0', 'up']);
  await run(['ip', '-n', name, 'route', 'add', 'default', 'via', gateway]);
  return { ...container, address };
}
