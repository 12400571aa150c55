import { run, type Host, type Namespace, type RunningProcess } from '@flannel-ts/lab';

/** Prints a heading. */
export function heading(text: string): void {
  console.log(`\n── ${text}`);
}

/** Prints a command as a person types it, and what it says, indented. */
export function show(prompt: string, command: string, output: string): void {
  console.log(`[${prompt}]# ${command}`);
  for (const line of output.trimEnd().split('\n')) if (line !== '') console.log(`    ${line}`);
}

/** A shell on one machine of the lab, whose commands and their output are printed. */
export type Shell = (command: string) => Promise<string>;

/** What a shell starts with. */
export interface ShellOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly directory: string;
}

/** A shell in a namespace that shares the files of this machine. */
export function namespaceShell(namespace: Namespace, prompt: string, options: ShellOptions): Shell {
  return shell(prompt, ['ip', 'netns', 'exec', namespace.namespace], options);
}

/**
 * A shell on a host that has `/etc` and `/run` for itself, as a machine of its own would: a mount
 * namespace with an overlay and a tmpfs, which goes with the host.
 */
export async function hostShell(host: Host, env: NodeJS.ProcessEnv): Promise<HostShell> {
  const holder = host.start(['unshare', '--mount', 'sh', '-c', OWN_FILES, 'own-files', host.directory]);
  await holder.line(/mounted/);
  const enter = ['nsenter', `--target=${holder.pid}`, '--mount', '--net'];
  return {
    shell: shell(host.name, enter, { env, directory: host.directory }),
    start: (command) => host.start([...enter, 'sh', '-c', `exec ${command}`], { env }),
  };
}

/** A shell, and programs that keep running beside it until the host goes. */
export interface HostShell {
  readonly shell: Shell;
  readonly start: (command: string) => RunningProcess;
}

const OWN_FILES = `
set -e
mkdir "$1/etc" "$1/etc-work"
mount -t tmpfs tmpfs /run
mount -t overlay -o "lowerdir=/etc,upperdir=$1/etc,workdir=$1/etc-work" overlay /etc
mkdir -p /etc/sysconfig
echo mounted
exec sleep infinity
`;

function shell(prompt: string, enter: readonly string[], { env, directory }: ShellOptions): Shell {
  return async (command) => {
    const output = await run([...enter, 'sh', '-c', 'cd "$0" && eval "$1"', directory, command], { env });
    show(prompt, command, output);
    return output;
  };
}
