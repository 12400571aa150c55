import { readdir, readFile, readlink } from 'node:fs/promises';
import { canonicalPath } from '../claim.ts';

const DEFAULT_SUBNET_FILE = '/run/flannel/subnet.env';

/**
 * Finds a running daemon of upstream's with this subnet file in this network namespace, which claims nothing.
 * @returns its process id
 */
export async function findRunningUpstream(subnetFile: string): Promise<number | undefined> {
  const path = await canonicalPath(subnetFile);
  const namespace = await readlink('/proc/self/ns/net');
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0 && pid !== process.pid);
  for (const pid of pids) if (await isUpstream(pid, namespace, path)) return pid;
  return undefined;
}

async function isUpstream(pid: number, namespace: string, path: string): Promise<boolean> {
  try {
    const name = await readFile(`/proc/${pid}/comm`, 'utf8');
    if (name !== 'flanneld\n' || (await readlink(`/proc/${pid}/ns/net`)) !== namespace) return false;
    const [args, environment] = await Promise.all(
      ['cmdline', 'environ'].map(async (file) =>
        (await readFile(`/proc/${pid}/${file}`, 'utf8')).split('\0'),
      ),
    );
    return (await canonicalPath(subnetFileOf(args!, environment!))) === path;
  } catch {
    // It has ended meanwhile.
    return false;
  }
}

function subnetFileOf(args: readonly string[], environment: readonly string[]): string {
  const index = args.findIndex((argument) => /^--?subnet-file(=|$)/.test(argument));
  const flag = args[index]?.split('=').slice(1).join('=') ?? '';
  const given = flag === '' && index >= 0 ? args[index + 1] : flag;
  const variable = environment.find((line) => line.startsWith('FLANNELD_SUBNET_FILE='))?.split('=')[1];
  return [given, variable].find(Boolean) ?? DEFAULT_SUBNET_FILE;
}
