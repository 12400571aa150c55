import { readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory, start, type RunningProcess } from '@flannel-ts/lab';
import { makeInitrd } from './initrd.ts';
import type { KernelTree } from './kernel-tree.ts';
import { qemuCommand } from './qemu-command.ts';
import type { GuestResult } from './result.ts';

/** Where Debian 12 has it, and where later ones do. */
const VIRTIOFSD = ['/usr/lib/qemu/virtiofsd', '/usr/libexec/virtiofsd'];

/** The guest ended without a result; the message says how: `was ended by SIGINT`. */
export class GuestError extends Error {
  override readonly name = 'GuestError';
}

export interface GuestOptions {
  /** Test files, relative to the workspace. */
  readonly suites: readonly string[];
  /** Ends the guest; its reason becomes the error. */
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/**
 * Boots a kernel in an emulated machine that has this machine's files, and runs tests there. What they write stays in
 * the guest's memory, and ends with it.
 * @throws {GuestError}
 */
export async function runGuest(
  kernel: KernelTree,
  { suites, signal, onLine }: GuestOptions,
): Promise<GuestResult> {
  await using stack = new AsyncDisposableStack();
  const directory = await makeDirectory('guest');
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const initrd = await makeInitrd(kernel, directory, [process.cwd(), ...suites]);
  const [socket, resultFile] = [join(directory, 'virtiofs'), join(directory, 'result')];
  const files = stack.use(serveFiles(socket));
  await files.line(/Waiting for vhost-user socket connection/);
  const { image } = kernel;
  const machine = stack.use(start(qemuCommand({ image, initrd, socket, resultFile })));
  machine.onLine(onLine);
  const end = () => machine.signal('SIGKILL');
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  await machine.exited.finally(() => signal.removeEventListener('abort', end));
  if (signal.aborted) throw new GuestError((signal.reason as Error).message, { cause: signal.reason });
  const text = await readFile(resultFile, 'utf8').catch(() => '');
  if (!text.endsWith('}')) throw new GuestError('ended without a result');
  return JSON.parse(text) as GuestResult;
}

/** Serves the machine's files to one guest, which mounts them read-only. */
function serveFiles(socket: string): RunningProcess {
  const virtiofsd = VIRTIOFSD.find((path) => existsSync(path));
  if (!virtiofsd) throw new Error(`virtiofsd is missing; it was looked for at ${VIRTIOFSD.join(' and ')}`);
  const options = ['source=/', 'cache=always', 'sandbox=chroot'].flatMap((option) => ['-o', option]);
  return start([virtiofsd, `--socket-path=${socket}`, ...options, '--thread-pool-size=1']);
}
