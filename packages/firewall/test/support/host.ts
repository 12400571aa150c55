import { createNamespace, type Namespace } from '@flannel-ts/lab';
import { inNamespace, openNetlinkPort } from '@flannel-ts/native';
import {
  createFirewall,
  type Firewall,
  type FirewallComponents,
  type FirewallEvent,
  type FirewallOptions,
} from '../../src/index.ts';
import { runCommand, type RunCommand } from '../../src/run-command.ts';

/** Runs the tools inside a host of the lab. */
export function runInside({ namespace }: Namespace): RunCommand {
  return (command, options) => runCommand(['ip', 'netns', 'exec', namespace, ...command], options);
}

/** Reports changes of the rules inside a host of the lab. */
export function openPortInside({ path }: Namespace): NonNullable<FirewallComponents['openPort']> {
  return (options) => inNamespace(path, () => openNetlinkPort(options));
}

/** A host without a network, and a firewall on it whose events can be waited for. */
export interface FirewallHost extends AsyncDisposable {
  readonly namespace: Namespace;
  readonly firewall: Firewall;
  readonly events: FirewallEvent[];
  /** The next event from now on. */
  nextEvent(): Promise<FirewallEvent>;
  /** Another firewall on the same host, as of a daemon that was restarted with other options. */
  restart(options: FirewallOptions): Promise<Firewall>;
}

let hosts = 0;

export async function createFirewallHost(
  options: FirewallOptions,
  changeRun: (run: RunCommand) => RunCommand = (run) => run,
): Promise<FirewallHost> {
  await using stack = new AsyncDisposableStack();
  const namespace = stack.use(await createNamespace(`ftlab-${process.pid}-firewall${++hosts}`));
  const events: FirewallEvent[] = [];
  let next = Promise.withResolvers<FirewallEvent>();
  const onEvent = (event: FirewallEvent) => {
    events.push(event);
    next.resolve(event);
    next = Promise.withResolvers();
  };
  const run = changeRun(runInside(namespace));
  const firewall = stack.use(createFirewall({ run, onEvent }, options));
  const all = stack.move();
  return {
    namespace,
    firewall,
    events,
    nextEvent: () => next.promise,
    async restart(newOptions) {
      await firewall[Symbol.asyncDispose]();
      return all.use(createFirewall({ run, onEvent }, newOptions));
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
