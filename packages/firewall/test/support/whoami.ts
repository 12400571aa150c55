import type { Namespace } from '@flannel-ts/lab';
import { join } from 'node:path';

const SCRIPT = join(import.meta.dirname, 'whoami.py');
const PORT = '7777';
/** Starts fast: no site packages. */
const PYTHON = ['python3', '-I', '-S', SCRIPT];

export interface AskOptions {
  /** Source address that it sends from. */
  readonly source?: string;
  /** The packets' mark. */
  readonly mark?: string;
  /** Seconds to wait for an answer. @default 10 */
  readonly seconds?: number;
}

/** Starts a TCP server that tells every client the address it comes from. */
export async function serve(place: Namespace): Promise<void> {
  await place.start([...PYTHON, 'serve', PORT]).line(/^listening$/);
}

/** The address as which the server at `address` sees `place`. @throws {CommandError} when they cannot talk */
export async function seenAs(place: Namespace, address: string, options: AskOptions = {}): Promise<string> {
  const { source = '', mark = '0', seconds = 10 } = options;
  return (await place.run(...PYTHON, 'ask', address, PORT, `${seconds}`, source, mark)).trim();
}
