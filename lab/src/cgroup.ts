import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';

/** A cgroup of the unified hierarchy, for a system that has its own cgroup namespace. */
export interface Cgroup extends AsyncDisposable {
  /** Put before a command, runs it in the group. */
  readonly prefix: readonly string[];
  /** Kills every process in the group and below. */
  kill(): Promise<void>;
}

/** Makes a cgroup; it and the groups below go with it, once their processes have ended. */
export async function createCgroup(name: string): Promise<Cgroup> {
  const hierarchy = await run([
    'findmnt',
    '--noheadings',
    '--first-only',
    '--output=TARGET',
    '--types=cgroup2',
  ]);
  const group = join(hierarchy.trim(), name);
  await mkdir(group);
  return {
    prefix: ['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', group],
    kill: () => writeFile(join(group, 'cgroup.kill'), '1'),
    async [Symbol.asyncDispose]() {
      await run(['find', group, '-depth', '-type', 'd', '-delete']);
    },
  };
}
