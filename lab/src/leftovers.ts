import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './command.ts';

/** What every namespace and directory of this process is named after, so that it can be told whose it was. */
export const OWNER = `ftlab-${process.pid}`;

const NAMESPACES = '/run/netns';

/** Makes a temporary directory; whoever makes it removes it. */
export function makeDirectory(purpose: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `${OWNER}-${purpose}-`));
}

/** Deletes the namespaces and directories of processes that are gone, as after SIGKILL. */
export async function sweep(): Promise<void> {
  const namespaces = existsSync(NAMESPACES) ? await readdir(NAMESPACES) : [];
  for (const name of namespaces.filter(isLeftOver)) await deleteNamespace(name);
  const directories = (await readdir(tmpdir())).filter(isLeftOver);
  for (const name of directories) await rm(join(tmpdir(), name), { recursive: true, force: true });
}

/** Another process may sweep at the same time, and be the one that deletes it. */
async function deleteNamespace(name: string): Promise<void> {
  await run(['ip', 'netns', 'delete', name]).catch((error: unknown) => {
    if (existsSync(join(NAMESPACES, name))) throw error;
  });
}

function isLeftOver(name: string): boolean {
  const pid = /^ftlab-(\d+)-/.exec(name)?.[1];
  return pid !== undefined && !existsSync(`/proc/${pid}`);
}
