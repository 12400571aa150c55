// Compiles the ```ts examples of every README and guide, as a reader would paste them.
import { spawnSync } from 'node:child_process';
import { glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const directory = 'tmp/readme-examples';
await rm(directory, { recursive: true, force: true });
await mkdir(directory, { recursive: true });

let count = 0;
for await (const file of glob(['README.md', 'packages/*/README.md', 'apps/*/README.md', 'docs/**/*.md'])) {
  if (file.startsWith('docs/api')) continue;
  const text = await readFile(file, 'utf8');
  for (const [index, match] of [...text.matchAll(/^```ts\n(.*?)^```$/gms)].entries()) {
    const name = `${file.replaceAll(/\W+/g, '-')}-${index + 1}.ts`;
    await writeFile(join(directory, name), `${match[1]!}export {};\n`);
    count++;
  }
}
await writeFile(
  join(directory, 'tsconfig.json'),
  JSON.stringify({
    extends: '../../tsconfig.json',
    compilerOptions: { rootDir: '../..', incremental: false, noUnusedLocals: false },
    include: ['*.ts'],
    exclude: [],
  }),
);
const { status } = spawnSync('tsc', ['-p', directory], { stdio: 'inherit' });
console.log(`${count} examples compiled`);
process.exitCode = status ?? 1;
