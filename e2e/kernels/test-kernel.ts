import { createWriteStream } from 'node:fs';
import { join, relative } from 'node:path';
import { GuestError, runGuest } from './guest.ts';
import { KERNELS, unpackKernel, type KernelName } from './kernel-tree.ts';
import type { Options } from './options.ts';
import { explainFailure } from './result.ts';
import type { Run } from './table.ts';

const CACHE = join(process.cwd(), 'node_modules/.cache/kernels');
/** Lines of a guest that show how far it is. */
const PROGRESS = /^\s*(?:[✓×↓] |tests are skipped: )/u;
/** Lines that are shown of a guest that failed. */
const TAIL = 200;

/** Boots a kernel, runs tests there and prints how far it is. Ends early when aborted. */
export async function testKernel(
  name: KernelName,
  { suites, minutes }: Omit<Options, 'kernels'>,
  stopped: AbortSignal,
): Promise<Run> {
  const choice = KERNELS[name];
  console.log(`\n── ${name}: asking Debian's archive for ${choice.suites.join(' and ')}`);
  const kernel = await unpackKernel(name, CACHE);
  const log = join(CACHE, `${kernel.release}.log`);
  console.log(`   booting ${kernel.release} of ${kernel.suite}; all output goes to ${relative('.', log)}`);
  await using output = createWriteStream(log);
  const lines: string[] = [];
  const started = performance.now();
  const onLine = (line: string) => {
    lines.push(line);
    output.write(`${line}\n`);
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    if (line === 'booted') console.log(`   running tests after ${seconds} s`);
    if (PROGRESS.test(line)) console.log(`   ${line.trim()}`);
  };
  const late = new AbortController();
  const end = () => late.abort(new Error(`took longer than ${minutes} minutes`));
  const timeout = setTimeout(end, minutes * 60_000);
  const signal = AbortSignal.any([stopped, late.signal]);
  const result = await runGuest(kernel, { suites, signal, onLine })
    .catch((error: unknown) => {
      if (error instanceof GuestError) return error.message;
      throw error;
    })
    .finally(() => clearTimeout(timeout));
  const failure = explainFailure(result, choice.fastPath);
  if (failure && !stopped.aborted) console.log([...lines.slice(-TAIL), failure].join('\n'));
  return { ...kernel, minutes: (performance.now() - started) / 60_000, result, failure };
}
