import { createNamespace, type Namespace } from '@flannel-ts/lab';
import { inNamespace } from '@flannel-ts/native';
import type { Direction, Program } from '../../src/index.ts';

/** A network namespace with `eth0`, whose other end is another host's. */
export interface Host {
  readonly namespace: Namespace;
  /** Index of `eth0`. */
  readonly index: number;
  /** Attaches a program to `eth0`. */
  attach(program: Program, direction: Direction): Disposable;
  attachForGood(
    program: Program,
    direction: Direction,
    options?: { readonly before?: number | undefined },
  ): void;
  /** Runs a task in the namespace. @param task - gets the index of `eth0` */
  run<T>(task: (index: number) => T): T;
}

/** Two hosts on a cable, `192.0.2.1` and `2001:db8::1`, and `192.0.2.2` and `2001:db8::2`. */
export interface Hosts extends AsyncDisposable {
  readonly near: Host;
  readonly far: Host;
}

let cables = 0;

export async function createHosts(): Promise<Hosts> {
  await using stack = new AsyncDisposableStack();
  const prefix = `ftlab-${process.pid}-bpf${++cables}`;
  const near = stack.use(await createNamespace(`${prefix}-near`));
  const far = stack.use(await createNamespace(`${prefix}-far`));
  const peer = ['peer', 'name', 'eth0', 'netns', far.namespace];
  await near.run('ip', 'link', 'add', 'eth0', 'type', 'veth', ...peer);
  for (const [index, host] of [near, far].entries()) {
    await host.run('ip', 'address', 'add', `192.0.2.${index + 1}/24`, 'dev', 'eth0');
    await host.run('ip', 'address', 'add', `2001:db8::${index + 1}/64`, 'dev', 'eth0', 'nodad');
    await host.run('ip', 'link', 'set', 'eth0', 'up');
  }
  const ends = { near: await hostIn(near), far: await hostIn(far) };
  const all = stack.move();
  return { ...ends, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function hostIn(namespace: Namespace): Promise<Host> {
  const show = ['ip', '-json', 'link', 'show', 'dev', 'eth0'];
  const [eth0] = await namespace.json<[{ ifindex: number }]>(...show);
  const index = eth0.ifindex;
  return {
    namespace,
    index,
    attach: (program, direction) => inNamespace(namespace.path, () => program.attach(index, direction)),
    attachForGood: (program, direction, options) =>
      inNamespace(namespace.path, () => program.attachForGood(index, direction, options)),
    run: (task) => inNamespace(namespace.path, () => task(index)),
  };
}
