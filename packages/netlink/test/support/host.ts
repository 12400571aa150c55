import { createNamespace, type Namespace } from '@flannel-ts/lab';
import { inNamespace, openNetlinkPort } from '@flannel-ts/native';
import { createNetlink, type Link, type NetlinkConnection } from '../../src/index.ts';

/** A network namespace with `eth0` up at `192.0.2.1/24` and `2001:db8::1/64`, and a connection to its kernel. */
export interface Host extends AsyncDisposable {
  readonly namespace: Namespace;
  readonly netlink: NetlinkConnection;
  /** @throws when there is no such link */
  link(name: string): Promise<Link>;
  /** What `ip -details link` shows of a link. */
  ipLink(name: string): Promise<Record<string, unknown>>;
}

let hosts = 0;

export async function createHost(): Promise<Host> {
  await using stack = new AsyncDisposableStack();
  const namespace = stack.use(await createNamespace(`ftlab-${process.pid}-netlink${++hosts}`));
  await namespace.run('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'far');
  await namespace.run('ip', 'link', 'set', 'far', 'up');
  await namespace.run('ip', 'link', 'set', 'eth0', 'up');
  await namespace.run('ip', 'address', 'add', '192.0.2.1/24', 'dev', 'eth0');
  await namespace.run('ip', 'address', 'add', '2001:db8::1/64', 'dev', 'eth0', 'nodad');
  const netlink = stack.use(
    createNetlink({ openPort: (options) => inNamespace(namespace.path, () => openNetlinkPort(options)) }),
  );
  const all = stack.move();
  return {
    namespace,
    netlink,
    async link(name) {
      const found = (await netlink.links()).find((link) => link.name === name);
      if (!found) throw new Error(`no link ${name}`);
      return found;
    },
    async ipLink(name) {
      const show = ['ip', '-json', '-details', 'link', 'show', 'dev', name];
      const [link] = await namespace.json<[Record<string, unknown>]>(...show);
      return link;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
