import { chmod, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Gives a tree modes that do not depend on the builder's umask. dpkg-deb sees to owners and times. */
export async function settleModes(tree: string): Promise<void> {
  const entries = await readdir(tree, { recursive: true });
  for (const path of [tree, ...entries.map((entry) => join(tree, entry))]) {
    // A directory has the owner's x, too.
    const runs = ((await stat(path)).mode & 0o100) !== 0;
    await chmod(path, runs ? 0o755 : 0o644);
  }
}
