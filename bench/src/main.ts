// Benchmarks: `npm run bench -- [--only NAME] [--rounds N] [--json FILE]`.
import { writeFile } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { allocation } from './allocation.ts';
import { latency } from './latency.ts';
import { programming } from './programming.ts';
import { formatTable, Report, type Benchmark } from './report.ts';
import { startup } from './startup.ts';
import { throughput } from './throughput.ts';

const benchmarks: readonly Benchmark[] = [allocation, programming, startup, latency, throughput];

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
const names = benchmarks.map(({ name }) => name);
const rounds = Number(values.rounds);
const unknown = (values.only ?? []).find((name) => !names.includes(name));
if (values.help || unknown !== undefined || !Number.isInteger(rounds) || rounds < 1) {
  if (unknown !== undefined) console.error(`there is no benchmark ${unknown}\n`);
  console.log('npm run bench -- [--only NAME]… [--rounds N] [--json FILE]\n');
  for (const { name, describe } of benchmarks) console.log(`  ${name.padEnd(12)} ${describe}`);
  process.exit(values.help ? 0 : 2);
}

console.log(`${cpus().length} cores, Linux ${release()}, Node ${process.version}, ${rounds} rounds\n`);
const report = new Report();
for (const benchmark of benchmarks.filter(({ name }) => values.only?.includes(name) ?? true)) {
  console.log(`── ${benchmark.name}: ${benchmark.describe}`);
  await benchmark.run({
    rounds,
    sample: (...sample) => report.sample(...sample),
    progress: (text) => console.log(`   ${text}`),
  });
}
const rows = report.rows();
console.log(`\n${formatTable(rows)}`);
if (values.json) await writeFile(values.json, `${JSON.stringify(rows, undefined, 2)}\n`);
