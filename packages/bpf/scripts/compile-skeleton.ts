import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format as prettify, resolveConfig } from 'prettier';
import { describeTypes, type Btf } from './describe-types.ts';

const root = join(import.meta.dirname, '../../..');

export interface SkeletonSource {
  /** Where the `*.bpf.c` are. */
  readonly directory: string;
  /** The kernel calls the map of the constants `NAME.rodata`. */
  readonly name: string;
  /** Where the TypeScript finds the types of this package. */
  readonly library: string;
}

export const skeletons: readonly SkeletonSource[] = [
  {
    ...{ directory: join(root, 'packages/tunnel/src/fast-path/programs'), name: 'flannel' },
    library: '@flannel-ts/bpf',
  },
  { directory: join(root, 'packages/bpf/test/programs'), name: 'test', library: '../../src/index.ts' },
  { directory: join(root, 'packages/bpf/test/refused'), name: 'refused', library: '../../src/index.ts' },
];

/** The committed skeletons are the output of this clang, which is Debian 12's. */
const clangVersion = '14.0.6';

/** Says what this machine lacks to compile the same skeletons; undefined when it lacks nothing. */
export function missingCompiler(): string | undefined {
  const debian = /^VERSION_ID="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  return debian === '12'
    ? undefined
    : `clang ${clangVersion} of Debian 12; this is ${debian ?? 'another system'}`;
}

/**
 * Compiles and links the `*.bpf.c` of a directory, and returns TypeScript with bpftool's light
 * skeleton of them: a loader program, its data, and the names and layouts of what it loads.
 */
export async function compileSkeleton({ directory, name, library }: SkeletonSource): Promise<string> {
  const output = mkdtempSync(join(tmpdir(), 'flannel-bpf-'));
  try {
    const sources = globSync('*.bpf.c', { cwd: directory }).sort();
    const objects = sources.map((source) => compile(directory, source, output));
    const linked = join(output, `${name}.linked.o`);
    run('bpftool', 'gen', 'object', linked, ...objects);
    const header = run('bpftool', 'gen', 'skeleton', '-L', linked, 'name', name);
    const btf = JSON.parse(run('bpftool', '-j', 'btf', 'dump', 'file', linked)) as Btf;
    return await format(header, btf, library);
  } finally {
    rmSync(output, { recursive: true });
  }
}

/**
 * The source is named relative to its directory, so that the object does not depend on where that
 * is.
 */
function compile(directory: string, source: string, output: string): string {
  const object = join(output, `${source}.o`);
  const architecture = run('gcc', '-print-multiarch').trim();
  const target = ['-target', 'bpfel', '-mcpu=v3', '-idirafter', `/usr/include/${architecture}`];
  const flags = [
    '-g',
    '-O2',
    '-fno-strict-aliasing',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-fdebug-compilation-dir=.',
  ];
  execFileSync('clang', [...target, ...flags, '-c', source, '-o', object], { cwd: directory });
  return object;
}

async function format(header: string, btf: Btf, library: string): Promise<string> {
  const fields = {
    maps: names(header, 'bpf_map_desc'),
    programs: names(header, 'bpf_prog_desc'),
    ...describeTypes(btf),
  };
  const source = `// Compiled from the *.bpf.c beside it by packages/bpf/scripts/compile.ts: change those, and compile again.
// SPDX-License-Identifier: MIT OR GPL-2.0-only
import type { Skeleton } from '${library}';

export const skeleton = {
  ...(${JSON.stringify(fields)} as const),
  // Not literal types, which would be as long in declarations.
  instructions: '${bytes(header, 'insns')}' as string,
  data: '${bytes(header, 'data')}' as string,
} satisfies Skeleton;
`;
  return prettify(source, { ...(await resolveConfig(import.meta.filename)), parser: 'typescript' });
}

/** Members of the header's structure, in its order. */
function names(header: string, type: string): string[] {
  return [...header.matchAll(new RegExp(`^\\t\\tstruct ${type} (\\w+);$`, 'gm'))].map(([, name]) => name!);
}

/** A string literal of bytes, as base64. */
function bytes(header: string, name: string): string {
  const literal = new RegExp(`opts\\.${name} = \\(void \\*\\)"([^"]*)";`).exec(header)![1]!;
  const escapes = literal.matchAll(/\\(?:x([0-9a-f]{2})|0)/g);
  return Buffer.from(Array.from(escapes, ([, hex = '0']) => parseInt(hex, 16))).toString('base64');
}

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', maxBuffer: 64 << 20 });
}
