import type { Pair } from './pairs.ts';

/** How the packets of a tunnel travel on its hosts. */
export type Path = 'in the kernel' | 'through user space';

/** A packet that finds no link address yet takes the other way, for example. */
const STRAYS = 0.01;

/** Counts the packets of a tunnel by path from now on. @returns fails a run whose packets took another path */
export async function watchPath(pair: Pair): Promise<() => Promise<void>> {
  const { path, name } = pair;
  if (!path) return async () => undefined;
  const before = await countPackets(pair);
  return async () => {
    const after = await countPackets(pair);
    const kernel = after.kernel - before.kernel;
    const userSpace = after.userSpace - before.userSpace;
    const others = path === 'in the kernel' ? userSpace : kernel;
    if (kernel + userSpace > 0 && others <= STRAYS * (kernel + userSpace)) return;
    throw new Error(`${name}: ${kernel} packets went in the kernel, ${userSpace} through user space`);
  };
}

/** From the first host to the second: what user space read from the TUN device, what eBPF programs handed to theirs. */
async function countPackets({ hosts: [from, to] }: Pair): Promise<{ userSpace: number; kernel: number }> {
  const [sent, received] = await Promise.all([from, to].map(linkPackets));
  return { userSpace: sent!.get('flannel0')?.sent ?? 0, kernel: received!.get('flannel0-rx')?.received ?? 0 };
}

async function linkPackets(host: Pair['hosts'][number]) {
  const links = await host.json<LinkStatistics[]>('ip', '-json', '-statistics', 'link', 'show');
  return new Map(
    links.map(({ ifname, stats64: { rx, tx } }) => [ifname, { received: rx.packets, sent: tx.packets }]),
  );
}

interface LinkStatistics {
  readonly ifname: string;
  readonly stats64: { readonly rx: { readonly packets: number }; readonly tx: { readonly packets: number } };
}
