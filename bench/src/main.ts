// Benchmarks; `npm run bench -- --help` lists them.
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { allocation } from './allocation.ts';
import { latency } from './latency.ts';
import { programming } from './programming.ts';
import { registry } from './registry.ts';
import { renewals } from './renewals.ts';
import { formatTable, Report, type Benchmark } from './report.ts';
import { restart } from './restart.ts';
import { startup } from './startup.ts';
import { throughput } from './throughput.ts';
import { tunnel } from './tunnel.ts';

const benchmarks: readonly Benchmark[] = [
  allocation,
  programming,
  startup,
  latency,
  throughput,
  tunnel,
  restart,
  registry,
  renewals,
];
const names = benchmarks.map(({ name }) => name);
const short = benchmarks.filter(({ long }) => !long).map(({ name }) => name);

const usage = `npm run bench -- [--only NAME]… [--rounds N] [--seconds N] [--congestion NAME] [--json FILE]

  --only NAME    run this one; may be given several times (default: all but renewals)
  --rounds N     how often everything is measured; the table has median, minimum and maximum (default: 3)
  --seconds N    length of each run of traffic: 1 for a quick look (default: 3)
  --congestion NAME
                 TCP's congestion control, of those in /proc/sys/net/ipv4/tcp_available_congestion_control (default: cubic,
                 Linux's own)
  --json FILE    write the table as [{ name, metric, unit, median, min, max, runs }]

${benchmarks.map(({ name, describe }) => `  ${name.padEnd(12)} ${describe}`).join('\n')}`;

const { only, rounds, seconds, congestion, json } = readOptions();
console.log(
  `${cpus().length} cores with load ${loadavg()[0]!.toFixed(2)}, Linux ${release()}, Node ${process.version}; ` +
    `${rounds} rounds, ${seconds} s of traffic each, TCP with ${congestion}\n`,
);
const report = new Report();
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopped.abort());
try {
  for (const benchmark of benchmarks.filter(({ name }) => only.includes(name))) {
    console.log(`── ${benchmark.name}: ${benchmark.describe}`);
    await benchmark.run({
      rounds,
      traffic: { seconds, congestion },
      sample: (name, figure) => report.sample(name, figure),
      progress(text) {
        stopped.signal.throwIfAborted();
        console.log(`   ${text}`);
      },
    });
  }
} catch (error) {
  // Ctrl-C ends the programs in the lab, too: whatever fails then is no news.
  if (!stopped.signal.aborted) throw error;
  process.exitCode = 1;
} finally {
  // Also what was measured before a failure, or Ctrl-C.
  const rows = report.rows();
  console.log(`\n${formatTable(rows)}`);
  if (json) await writeFile(json, `${JSON.stringify(rows, undefined, 2)}\n`);
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: short },
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '3' },
        congestion: { type: 'string', default: 'cubic' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) exit(0, usage);
    const unknown = values.only.find((name) => !names.includes(name));
    if (unknown !== undefined) throw new Error(`--only ${unknown}: there is no such benchmark`);
    return { ...values, rounds: count('rounds', values.rounds), seconds: count('seconds', values.seconds) };
  } catch (error) {
    return exit(2, `${(error as Error).message}\n\n${usage}`);
  }
}

function count(option: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${option} ${text}: give a whole number from 1 on`);
  return Number(text);
}

function exit(code: number, text: string): never {
  console.log(text);
  process.exit(code);
}
