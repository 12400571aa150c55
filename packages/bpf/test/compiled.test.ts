import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { compileSkeleton, missingCompiler, skeletons } from '../scripts/compile-skeleton.ts';

const missing = missingCompiler();
const lacks = missing === undefined ? '' : ` (skipped: needs ${missing})`;

it.skipIf(missing !== undefined).for(skeletons)(
  `$name is what its sources compile to${lacks}`,
  async (source) => {
    const committed = readFileSync(join(source.directory, 'skeleton.ts'), 'utf8');
    const compiled = await compileSkeleton(source);
    const hint = `run "npm run compile -w packages/bpf": ${relative('.', source.directory)} changed`;
    expect(compiled === committed, hint).toBe(true);
  },
);
