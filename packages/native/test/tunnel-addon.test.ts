import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tunnelSources } from '../scripts/tunnel-sources.ts';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '..');

/**
 * The C++ tests in test/addon, with the sanitizers, in a program of their own, whose compilation takes minutes on a
 * loaded machine.
 */
describe('the pure parts of the packet tunnel', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flannel-native-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('pass their tests and take the fuzzers’ seeds', async () => {
    const tests = (await readdir(join(root, 'test/addon'))).filter((name) => name.endsWith('.cc'));
    const sources = [...tunnelSources, ...tests.map((name) => `test/addon/${name}`)];
    const flags = ['-std=c++20', '-O1', '-g', '-pthread', '-Wall', '-Wextra', '-Werror', '-Iaddon'];
    const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'];
    const compile = (...options: string[]) =>
      execute('g++', [...flags, ...sanitizers, ...options], { cwd: root });

    const targets = ['receive', 'transmit'].map((target) => ({
      source: `fuzz/${target}.cc`,
      object: join(directory, `${target}.o`),
      entry: `fuzz${target[0]!.toUpperCase()}${target.slice(1)}`,
    }));
    for (const { source, object, entry } of targets) {
      await compile(`-DLLVMFuzzerTestOneInput=${entry}`, '-c', source, '-o', object);
    }
    const program = join(directory, 'tests');
    await compile(...sources, ...targets.map(({ object }) => object), '-o', program);
    const { stdout } = await execute(program, ['fuzz/corpus/receive', 'fuzz/corpus/transmit'], { cwd: root });
    expect(stdout).toBe('all passed\n');
  }, 600_000);
});
