// Runs lab tests on other kernels, each in a guest of its own: `npm run test:kernels -- --help` shows more.
import { createWriteStream, globSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { GuestError, runGuest } from './guest.ts';
import { KERNELS, unpackKernel, type KernelName } from './kernel-tree.ts';
import { formatTable, type Run } from './table.ts';

const CACHE = join(process.cwd(), 'node_modules/.cache/kernels');

/** What depends on the kernel: eBPF, the fast path and its absence, ICMP, and what keeps strangers out. */
const SUITES = [
  'packages/bpf/test/*.lab.test.ts',
  'packages/native/test/bpf-calls.lab.test.ts',
  'packages/tunnel/test/{fast-path,fall-back,icmp,jumbo,wire-format}.lab.test.ts',
  'packages/firewall/test/protect.lab.test.ts',
];

const names = Object.keys(KERNELS) as KernelName[];
const HELP = `npm run test:kernels -- [--kernel NAME]… [--suite FILE]… [--timeout MINUTES]

Boots kernels of Debian in emulated machines that have this machine's files, and runs tests there. Ends with a table, and
exit code 1 if a test failed.

  --kernel   ${names.join(', ')} (default: each); may be given several times
  --suite    a test file, or a pattern of some; may be given several times (default: ${SUITES.join(' ')})
  --timeout  minutes that a guest may take (default: 60)
`;
/** Lines of vitest that show how far it is. */
const PROGRESS = /^\s*(?:[✓×↓] |tests are skipped: )/u;
/** Lines that are shown of a guest that failed. */
const TAIL = 200;

const { kernels, suites, minutes } = readOptions();
if (process.arch !== 'x64')
  fail(`this needs an x86-64 machine, whose programs the guest runs, not ${process.arch}`);
if (process.getuid?.() !== 0)
  fail('npm run test:kernels needs root, for the guest has all files. Run it as root or with sudo.');
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => stopped.abort(new Error(`ended by ${signal}`)));

const runs: Run[] = [];
for (const name of kernels) {
  if (stopped.signal.aborted) break;
  runs.push(await test(name));
}
console.log(`\n${formatTable(runs)}`);
const good = ({ result }: Run) => typeof result === 'object' && result.exitCode === 0;
process.exitCode = runs.every(good) && !stopped.signal.aborted ? 0 : 1;

async function test(name: KernelName): Promise<Run> {
  console.log(`\n── ${name}: asking Debian's archive for ${KERNELS[name].join(' and ')}`);
  const kernel = await unpackKernel(name, CACHE);
  const log = join(CACHE, `${kernel.release}.log`);
  console.log(`   booting ${kernel.release} of ${kernel.suite}; all output goes to ${relative('.', log)}`);
  await using output = createWriteStream(log);
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 60_000;
  const lines: string[] = [];
  const onLine = (line: string) => {
    lines.push(line);
    output.write(`${line}\n`);
    if (line === 'booted') console.log(`   running tests after ${(60 * elapsed()).toFixed(0)} s`);
    if (PROGRESS.test(line)) console.log(`   ${line.trim()}`);
  };
  const ended = new AbortController();
  const timeout = setTimeout(
    () => ended.abort(new Error(`took longer than ${minutes} minutes`)),
    minutes * 60_000,
  );
  const signal = AbortSignal.any([stopped.signal, ended.signal]);
  try {
    const result = await runGuest(kernel, { suites, signal, onLine });
    if (result.exitCode !== 0) console.log(lines.slice(-TAIL).join('\n'));
    return { ...kernel, minutes: elapsed(), result };
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    if (!stopped.signal.aborted) console.log(lines.slice(-TAIL).join('\n'));
    return { ...kernel, minutes: elapsed(), result: error.message };
  } finally {
    clearTimeout(timeout);
  }
}

function readOptions(): { kernels: readonly KernelName[]; suites: readonly string[]; minutes: number } {
  try {
    const { values } = parseArgs({
      options: {
        kernel: { type: 'string', multiple: true, default: names },
        suite: { type: 'string', multiple: true, default: SUITES },
        timeout: { type: 'string', default: '60' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const minutes = Number(values.timeout);
    if (!(minutes > 0)) throw new Error(`--timeout must be a number of minutes, not ${values.timeout}`);
    return { kernels: values.kernel.map(kernelNamed), suites: values.suite.flatMap(filesOf), minutes };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
}

function kernelNamed(value: string): KernelName {
  const name = names.find((each) => each === value);
  if (!name) throw new Error(`--kernel must be one of ${names.join(', ')}, not ${value}`);
  return name;
}

function filesOf(pattern: string): string[] {
  const files = globSync(pattern).sort();
  if (files.length === 0) throw new Error(`--suite must name test files, not ${pattern}`);
  return files;
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
