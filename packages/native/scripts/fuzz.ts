// Fuzzes the packet tunnel: node scripts/fuzz.ts receive|transmit [libFuzzer options, such as -runs=1000000].
// Inputs that libFuzzer finds are kept in build/fuzz, beside the seeds of fuzz/corpus.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { tunnelSources } from './tunnel-sources.ts';

const [target = 'receive', ...options] = process.argv.slice(2);
const root = join(import.meta.dirname, '..');
const output = join(root, 'build/fuzz');
const found = join(output, target);
mkdirSync(found, { recursive: true });

const compiler = ['clang++', 'clang++-14'].find((name) => !spawnSync(name, ['--version']).error);
if (compiler === undefined) {
  console.error('Fuzzing needs clang with libFuzzer. On Debian: apt-get install clang-14 libclang-rt-14-dev');
  process.exit(1);
}
const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'];
const flags = ['-std=c++20', '-O2', '-g', '-Iaddon', ...sanitizers];
const harness = join(output, `${target}.o`);
// Only the code under test is watched for coverage, not the harness.
run(compiler, ...flags, '-c', `fuzz/${target}.cc`, '-o', harness);
run(compiler, ...flags, '-fsanitize=fuzzer', harness, ...tunnelSources, '-o', join(output, `fuzz-${target}`));
run(
  join(output, `fuzz-${target}`),
  '-max_len=300',
  '-entropic=0',
  ...options,
  found,
  `fuzz/corpus/${target}`,
);

function run(command: string, ...args: string[]): void {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
