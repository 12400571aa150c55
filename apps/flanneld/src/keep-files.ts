import { readFile, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { createBackoff } from '@flannel-ts/backoff';
import type { Conditions } from './conditions.ts';
import type { Logger } from './log.ts';
import { messageOf } from './message-of.ts';

/** A file that must have a text. */
export interface DesiredFile {
  readonly path: string;
  readonly text: string;
  write(): Promise<void>;
}

/**
 * Writes files, and again whenever one is missing or differs, until the signal aborts. What cannot be written is the
 * condition `files`, and is tried again.
 * @param options.onWritten - called once, when all files have been written
 */
export async function keepFiles(
  files: readonly DesiredFile[],
  { conditions, log }: { readonly conditions: Conditions; readonly log: Logger },
  options: {
    readonly onWritten: () => void;
    readonly signal: AbortSignal;
    /** Milliseconds between compares: a file that is deleted or changed is restored within them. @default 5000 */
    readonly compareMs?: number;
  },
): Promise<void> {
  const { onWritten, signal, compareMs = 5_000 } = options;
  const backoff = createBackoff({ random: Math.random });
  let written = false;
  while (!signal.aborted) {
    const problems = await writeAll(files, written ? log : undefined);
    conditions.report('files', problems.length > 0 ? 'failing' : 'ok', problems.join('; '));
    if (problems.length === 0 && !written) {
      written = true;
      onWritten();
    }
    if (problems.length === 0) backoff.reset();
    const pauseMs = problems.length > 0 ? backoff.next() : compareMs;
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** @param log - where a repair is logged @returns what could not be written, and why */
async function writeAll(files: readonly DesiredFile[], log: Logger | undefined): Promise<readonly string[]> {
  const problems: string[] = [];
  const repairing = log !== undefined;
  for (const file of files) {
    try {
      if (await isCurrent(file, repairing)) continue;
      await file.write();
      log?.warn({ file: file.path }, 'the file was missing or changed; written again');
    } catch (error) {
      const reason = messageOf(error);
      problems.push(`${file.path} cannot be written: ${reason}; make it writable for flanneld`);
    }
  }
  return problems;
}

/** A FIFO or a device has no text to compare: it is written once. A directory is in the way. */
async function isCurrent({ path, text }: DesiredFile, written: boolean): Promise<boolean> {
  const present = await stat(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (present && !present.isFile()) return written && !present.isDirectory();
  return present !== undefined && (await readFile(path, 'utf8')) === text;
}
