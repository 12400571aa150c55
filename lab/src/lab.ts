import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';
import { createContainer, type Container, type ContainerOptions } from './container.ts';
import { makeDirectory, OWNER, sweep } from './leftovers.ts';
import { createNamespace, type Namespace } from './namespace.ts';

/** Hosts on one underlay network: namespaces joined by a bridge in a namespace of its own. */
export interface Lab extends AsyncDisposable {
  /** The namespace with the underlay's bridge, `192.168.77.1`; etcd for all hosts runs here. */
  readonly underlay: Namespace;
  /** Address of {@link Lab.underlay}. */
  readonly underlayAddress: string;
  /** A directory that goes with the lab. */
  readonly directory: string;
  /** Adds a host with `eth0` on the underlay, forwarding on. */
  addHost(options?: HostOptions): Promise<Host>;
}

export interface HostOptions {
  /** MTU of `eth0` in bytes. @default 1500 */
  readonly mtu?: number;
}

/** One host of the lab. */
export interface Host extends Namespace {
  /** `host1`, `host2`, … */
  readonly name: string;
  /** Its underlay address. */
  readonly address: string;
  /** A directory for its files, such as subnet.env. */
  readonly directory: string;
  /** Adds a container behind the host's `docker0` bridge, made when it is missing. */
  addContainer(options: ContainerOptions): Promise<Container>;
}

const UNDERLAY = '192.168.77';
/** Given, as a bridge without takes the lowest of its ports: hosts would lose it when another one joins. */
const UNDERLAY_MAC = '02:00:c0:a8:4d:01';

/** Makes an empty lab. Whatever it made goes with {@link AsyncDisposable}, and with the next lab after a crash. */
export async function createLab(): Promise<Lab> {
  await sweep();
  const prefix = `${OWNER}-${labs++}`;
  await using stack = new AsyncDisposableStack();
  const directory = await makeDirectory('lab');
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const underlay = stack.use(await createNamespace(`${prefix}-net`));
  const inUnderlay = (...args: string[]) => run(['ip', '-n', underlay.namespace, ...args]);
  await inUnderlay('link', 'add', 'br0', 'address', UNDERLAY_MAC, 'type', 'bridge');
  await inUnderlay('address', 'add', `${UNDERLAY}.1/24`, 'dev', 'br0');
  await inUnderlay('link', 'set', 'br0', 'up');

  let hosts = 0;
  const all = stack.move();
  return {
    underlay,
    underlayAddress: `${UNDERLAY}.1`,
    directory,
    async addHost({ mtu = 1500 } = {}) {
      const number = ++hosts;
      const name = `host${number}`;
      const address = `${UNDERLAY}.${10 + number}`;
      const host = all.use(await createNamespace(`${prefix}-${name}`));
      const link = ['eth0', 'netns', host.namespace, 'mtu', `${mtu}`];
      await inUnderlay('link', 'add', name, 'mtu', `${mtu}`, 'type', 'veth', 'peer', 'name', ...link);
      await inUnderlay('link', 'set', name, 'master', 'br0', 'up');
      await host.run('ip', 'address', 'add', `${address}/24`, 'dev', 'eth0');
      await host.run('ip', 'link', 'set', 'eth0', 'up');
      await host.run('ip', 'route', 'add', 'default', 'via', `${UNDERLAY}.1`);
      await host.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
      let containers = 0;
      return {
        ...host,
        name,
        address,
        directory: await mkdtemp(join(directory, `${name}-`)),
        addContainer: async (options) =>
          all.use(await createContainer(host, `${prefix}-c${number}-${++containers}`, options)),
      };
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

let labs = 0;
