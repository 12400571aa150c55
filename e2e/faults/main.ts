// Breaks a cluster again and again and checks that it recovers; `npm run test:soak -- --help` shows more.
import { randomInt } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { AccessKind } from './access.ts';
import { formatFailure, formatRound, formatSummary } from './report.ts';
import { KINDS } from './schedule.ts';
import { soak, type SoakResult } from './soak.ts';

const ACCESS: readonly AccessKind[] = ['open', 'open', 'password', 'tls'];

const usage = `npm run test:soak -- [--minutes N] [--seed S] [--hosts N] [--access KIND] [--only FAULT]… [--json FILE]
npm run test:soak -- --summary FILE…

  --minutes N    no fault is made after that time (default: 10)
  --seed S       the schedule, and how each fault is made (default: a random one, which is printed)
  --hosts N      hosts of the cluster (default: 3)
  --access KIND  open, password or tls: how daemons reach etcd (default: the seed's)
  --only FAULT   make only this kind; may be given several times
  --bound S      seconds within which all must be right after a fault (default: 90, as a backoff lasts 60 at most)
  --json FILE    write what happened as JSON
  --summary      make no faults; print one table of the runs that --json wrote to these files, in Markdown

${KINDS.map((kind) => `  ${kind}`).join('\n')}`;

const { values, positionals: files } = readOptions();
if (values.summary) {
  const runs = await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as SoakResult),
  );
  exit(0, formatSummary(runs));
}
const seed = Number(values.seed ?? randomInt(1_000_000));
const access = (values.access as AccessKind | undefined) ?? ACCESS[seed % ACCESS.length]!;
console.log(`seed ${seed}, ${values.hosts} hosts, etcd ${access}`);
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => stopped.abort(new Error(`ended by ${signal}`)));
try {
  const result = await soak({
    ...{ seed, access, only: values.only, signal: stopped.signal },
    durationMs: Number(values.minutes) * 60_000,
    boundMs: Number(values.bound) * 1_000,
    hosts: Number(values.hosts),
    onRound: (round) => console.log(formatRound(round)),
  });
  console.log(`\n${formatSummary([result])}`);
  if (values.json) await writeFile(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  if (result.failure) {
    console.log(`\n${formatFailure(seed, result.failure)}`);
    process.exitCode = 1;
  }
} catch (error) {
  // Ctrl-C ends the programs in the lab, too: whatever fails then is no news.
  if (!stopped.signal.aborted) throw error;
  console.log(`stopped; seed ${seed}`);
  process.exitCode = 1;
}

function readOptions() {
  try {
    const parsed = parseArgs({
      allowPositionals: true,
      options: {
        minutes: { type: 'string', default: '10' },
        seed: { type: 'string' },
        hosts: { type: 'string', default: '3' },
        access: { type: 'string' },
        only: { type: 'string', multiple: true, default: [] },
        bound: { type: 'string', default: '90' },
        json: { type: 'string' },
        summary: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (parsed.values.help) exit(0, usage);
    check({ ...parsed.values, files: parsed.positionals });
    return parsed;
  } catch (error) {
    return exit(2, `${(error as Error).message}\n\n${usage}`);
  }
}

function check(given: {
  seed?: string;
  minutes: string;
  hosts: string;
  bound: string;
  access?: string;
  only: string[];
  summary: boolean;
  files: string[];
}) {
  if (given.summary !== given.files.length > 0)
    throw new Error('--summary must have files, and only --summary has any');
  for (const option of ['seed', 'minutes', 'hosts', 'bound'] as const)
    if (!/^\d+(\.\d+)?$/.test(given[option] ?? '0'))
      throw new Error(`--${option} must be a number, not ${given[option]!}`);
  if (Number(given.hosts) < 2) throw new Error(`--hosts must be at least 2, not ${given.hosts}`);
  if (given.access !== undefined && !ACCESS.includes(given.access as AccessKind))
    throw new Error(`--access must be one of ${ACCESS.join(', ')}, not ${given.access}`);
  const unknown = given.only.find((kind) => !KINDS.includes(kind));
  if (unknown !== undefined) throw new Error(`--only must be a kind of fault, not ${unknown}`);
}

function exit(code: number, text: string): never {
  console.log(text);
  process.exit(code);
}
