import { icmpCounter, type Docker, type Node } from '@flannel-ts/lab';
import { eventually } from './contract.ts';

export interface RunningContainer {
  readonly id: string;
  readonly address: string;
  readonly docker: Docker;
}

/** Starts a container that does nothing, or what `words` say: options of `docker run`, the image's place, a command. */
export async function runContainer(
  docker: Docker,
  {
    options = [],
    command = ['sleep', '3600'],
  }: { options?: readonly string[]; command?: readonly string[] } = {},
): Promise<RunningContainer> {
  const id = await docker.run('run', '--detach', ...options, docker.image, ...command);
  return inspectContainer(docker, id.trim());
}

export async function inspectContainer(docker: Docker, id: string): Promise<RunningContainer> {
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
  const address = await docker.run('inspect', '--format', format, id);
  return { id, address: address.trim(), docker };
}

/** Waits until Docker's own chain accepts the overlay's packets first: the daemon hears of Docker's rules when they are there. */
export async function dockerUserAccepts({ host }: Node): Promise<void> {
  await eventually(
    () => host.run('iptables-save', '-t', 'filter'),
    (rules) => /^-A DOCKER-USER .*-j FLANNEL-INGRESS$/m.test(rules),
  );
}

/** Runs `ping` in a container and returns what it prints, also when no answer comes. */
export async function ping(from: RunningContainer, to: string, ...options: string[]): Promise<string> {
  const words = ['ping', ...(options.length > 0 ? options : ['-c', '1', '-W', '5']), to];
  return from.docker.run('exec', from.id, 'sh', '-c', `${words.join(' ')} || true`);
}

/** How many echo requests a container has received. */
export async function echoesReceived({ docker, id }: RunningContainer): Promise<number> {
  return icmpCounter((...command) => docker.run('exec', id, ...command), 'InEchos');
}
