import { constants } from 'node:fs';
import { mkdir, open, readlink, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Mode and owner of a file. */
interface Permissions {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Replaces a file in one step: written and synced beside it, then renamed. The directory is made.
 *
 * @param keep - permissions of the new file; the owner where that is permitted. @default mode 0644, this user
 */
export async function writeFileAtomically(path: string, text: string, keep?: Permissions): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await using file = await open(temporary, 'w', 0o644);
    if (keep) await keepOwner(file, keep);
    // The creation mode is cut by the umask; readers are not only root.
    await file.chmod(keep ? keep.mode & 0o7777 : 0o644);
    await file.writeFile(text);
    await file.sync();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A process that may not give files away keeps the new file as its own; so does the unit's sandbox. */
async function keepOwner(file: FileHandle, { uid, gid }: Permissions): Promise<void> {
  const own = await file.stat();
  if (own.uid === uid && own.gid === gid) return;
  try {
    await file.chown(uid, gid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}

/**
 * Writes where a shell's `>` would: a link's target, with the link kept; a device or a FIFO as it is. A file
 * is replaced in one step and keeps its mode and, where that is permitted, its owner; a new one has mode 0644,
 * and its directory is made.
 *
 * @param waits - whether a FIFO without a reader is waited for, as the shell does, and not an error (`ENXIO`). The wait
 *   takes a thread of the process, which cannot end before it
 */
export async function writeOutput(
  path: string,
  text: string,
  { waits }: { readonly waits: boolean },
): Promise<void> {
  const present = await stat(path).catch(undefinedIfMissing);
  if (present === undefined) return writeFileAtomically(await targetOf(path), text);
  if (present.isFile()) return writeFileAtomically(await realpath(path), text, present);
  const flags = constants.O_WRONLY | (waits ? 0 : constants.O_NONBLOCK);
  await using file: FileHandle = await open(path, flags);
  await file.writeFile(text);
}

/** Follows links to a file that is missing. */
async function targetOf(path: string): Promise<string> {
  const target = await readlink(path).catch(() => undefined);
  return target === undefined ? path : targetOf(resolve(dirname(path), target));
}

function undefinedIfMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw error;
}
