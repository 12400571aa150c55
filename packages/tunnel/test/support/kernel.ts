// What the kernel that tests run on can do. Not for the programs that tests start: it needs vitest.
import { missingTcx } from '@flannel-ts/lab';
import { describe } from 'vitest';
import { modes, type Mode } from './overlay.ts';

/** What this kernel lacks for the fast path; `undefined` where it lacks nothing. */
export const noFastPath = await missingTcx();

/** What this kernel lacks for tunnels of these modes. */
export function missingFor(...used: Mode[]): string | undefined {
  return used.includes('fast path') ? noFastPath : undefined;
}

/** Describes tests of each mode; those of a mode that this kernel cannot have are skipped. */
export function describeModes(title: string, tests: (mode: Mode) => void): void {
  for (const mode of Object.keys(modes) as Mode[])
    describe.skipIf(missingFor(mode))(`${title}: ${mode}`, () => tests(mode));
}
