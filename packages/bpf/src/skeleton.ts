import { bpfCalls, type LoadedBpf, type SystemError } from '@flannel-ts/native';
import { ProgramError } from './errors.ts';
import { openMap, type BpfMap } from './map.ts';
import { openProgram, type Program } from './program.ts';
import type { StructLayout } from './struct.ts';

/** Programs and maps, compiled from C by `scripts/compile.ts`: a light skeleton of bpftool. */
export interface Skeleton {
  readonly maps: readonly string[];
  readonly programs: readonly string[];
  /** Layouts of the structures that maps and constants have, by name. */
  readonly structs: Readonly<Record<string, StructLayout>>;
  /** Numbers of the enumerations in them. */
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** The loader program, base64. */
  readonly instructions: string;
  /** What the loader program loads, base64. */
  readonly data: string;
}

/**
 * What a skeleton became. It ends here with this; a program that is attached stays, and has its
 * maps for as long.
 */
export interface LoadedSkeleton<S extends Skeleton> extends Disposable {
  readonly maps: Readonly<Record<Exclude<S['maps'][number], 'rodata'>, BpfMap>>;
  readonly programs: Readonly<Record<S['programs'][number], Program>>;
}

/**
 * Creates the maps of a skeleton and loads its programs.
 * @param constants - the content of the structure that C declares as `const volatile`; the verifier
 *   knows it
 * @throws {ProgramError} the verifier refuses a program
 * @throws {SystemError} `EPERM`, `AddonError`
 */
export function loadSkeleton<S extends Skeleton>(skeleton: S, constants?: Uint8Array): LoadedSkeleton<S> {
  const loaded = load(skeleton, constants);
  const stack = new DisposableStack();
  const maps = skeleton.maps.map((name, index) => [name, stack.use(openMap(loaded.maps[index]!))] as const);
  const programs = skeleton.programs.map(
    (name, index) => [name, stack.use(openProgram(loaded.programs[index]!))] as const,
  );
  return {
    maps: Object.fromEntries(maps) as LoadedSkeleton<S>['maps'],
    programs: Object.fromEntries(programs) as LoadedSkeleton<S>['programs'],
    [Symbol.dispose]: () => stack.dispose(),
  };
}

function load({ instructions, data, maps, programs }: Skeleton, constants?: Uint8Array): LoadedBpf {
  // The map of what C declares as `const volatile`.
  const initialValues = maps.map((name) => (name === 'rodata' ? constants : undefined));
  const bytes = [instructions, data].map((base64) => Buffer.from(base64, 'base64')) as [Buffer, Buffer];
  try {
    return bpfCalls().bpfLoadSkeleton(...bytes, initialValues, programs.length);
  } catch (error) {
    const { log } = error as SystemError & { readonly log?: string };
    throw log ? new ProgramError(error as SystemError, log) : error;
  }
}
