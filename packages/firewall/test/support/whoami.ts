import type { Namespace } from '@flannel-ts/lab';
import { join } from 'node:path';
import { expect } from 'vitest';

const PORT = '7777';
/** Without site packages it starts faster. */
const SCRIPT = ['python3', '-I', '-S', join(import.meta.dirname, 'whoami.py')];

export interface Question {
  /** The server's address. */
  readonly to: string;
  /** Source address to send from. @default what the kernel chooses */
  readonly source?: string;
  /** The packets' mark. @default none */
  readonly mark?: string;
}

/** Starts a TCP server that tells every client the address it comes from. */
export async function serve(place: Namespace): Promise<void> {
  await place.start([...SCRIPT, 'serve', PORT]).line(/^listening$/);
}

/** Connects from `place` to one server after another: the addresses as which they see it, or `nobody`. */
export async function seenAs(
  place: Namespace,
  questions: readonly Question[],
  { seconds = 10 } = {},
): Promise<string[]> {
  const queries = questions.map(({ to, source = '', mark = '0' }) => `${to},${source},${mark}`);
  const output = await place.run(...SCRIPT, 'ask', PORT, `${seconds}`, ...queries);
  return output.trimEnd().split('\n');
}

/** Expects that none of the servers answers `place` within a while. */
export async function expectNobody(
  place: Namespace,
  questions: readonly Question[],
  { seconds = 0.5 } = {},
): Promise<void> {
  expect(await seenAs(place, questions, { seconds })).toEqual(questions.map(() => 'nobody'));
}
