// Compiles the *.bpf.c of each directory below to skeleton.ts beside them, with Debian's clang and bpftool:
// node scripts/compile.ts
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileSkeleton, skeletons } from './compile-skeleton.ts';

for (const source of skeletons)
  writeFileSync(join(source.directory, 'skeleton.ts'), await compileSkeleton(source));
