import { start } from './command.ts';
import type { Container } from './container.ts';
import type { Host } from './lab.ts';
import { attachNamespace } from './namespace.ts';

/** An engine as its containers need it. */
interface Engine {
  readonly host: Host;
  /** Runs the client. */
  readonly docker: (...args: string[]) => Promise<string>;
  /** A process in the mount namespace in which the networks of containers are files. */
  readonly pid: number;
}

/**
 * Runs a container of an engine, and names its network namespace, so that programs of this machine run in it too.
 * Disposing ends these and takes the name away; the container goes with the engine.
 * @param options - of `docker run`, then the image
 */
export async function runContainer(
  { host, docker, pid }: Engine,
  options: readonly string[],
): Promise<Container> {
  const id = (await docker('run', '--detach', ...options, 'sleep', '3600')).trim();
  const fields = '{{.NetworkSettings.SandboxKey}}{{range .NetworkSettings.Networks}} {{.IPAddress}}{{end}}';
  const [network, address] = (await docker('inspect', '--format', fields, id)).trim().split(' ');
  const enter = ['nsenter', `--target=${pid}`, '--mount', 'nsenter', `--net=${network!}`];
  await using member = start([...enter, 'sh', '-c', 'echo inside; exec sleep infinity']);
  await member.line(/inside/);
  const namespace = await attachNamespace(`${host.namespace}-${id.slice(0, 12)}`, member.pid);
  return { ...namespace, address: address! };
}
