// Runs lab tests on other kernels, each in a guest of its own: `npm run test:kernels -- --help` shows more.
import { readOptions } from './options.ts';
import { formatTable, type Run } from './table.ts';
import { testKernel } from './test-kernel.ts';

const { kernels, ...options } = readOptions();
if (process.arch !== 'x64')
  fail(`npm run test:kernels needs an x86-64 machine, whose programs the guests run, not ${process.arch}`);
if (process.getuid?.() !== 0)
  fail('npm run test:kernels needs root, as its tests do. Run it as root or with sudo.');
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => stopped.abort(new Error(`was ended by ${signal}`)));

const runs: Run[] = [];
for (const name of kernels) {
  if (!stopped.signal.aborted) runs.push(await testKernel(name, options, stopped.signal));
}
console.log(`\n${formatTable(runs)}`);
for (const { release, failure } of runs) if (failure) console.log(`${release}: ${failure}`);
process.exitCode = stopped.signal.aborted || runs.some(({ failure }) => failure) ? 1 : 0;

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
