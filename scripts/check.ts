// Runs every check of the workspace and ends with one line: "N passed, N failed, N skipped".
// `node scripts/check.ts lint tests` runs only the named ones.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

interface Check {
  readonly name: string;
  readonly command: readonly string[];
  /** What ran inside; without it the check counts as one. */
  readonly report?: () => Promise<Report>;
}

interface Report {
  readonly tally: Tally;
  /** Names of what failed, for the end of a long output. */
  readonly failures: readonly string[];
}

/** The parts read here of vitest's JSON report. */
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    /** Path of the file. */
    readonly name: string;
    /** Why the file as a whole failed, such as an import; empty when only tests did. */
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const VITEST_REPORT = 'node_modules/.cache/vitest.json';

const checks: readonly Check[] = [
  { name: 'format', command: ['prettier', '--check', '--log-level=warn', '.'] },
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json', '--noEmit'] },
  { name: 'lint', command: ['eslint', '--max-warnings=0', '.'] },
  {
    name: 'tests',
    command: ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${VITEST_REPORT}`],
    report: vitestReport,
  },
  { name: 'guide-20.10', command: ['node', 'examples/guide/main.ts', '--docker', '20.10'] },
  { name: 'guide-28.5', command: ['node', 'examples/guide/main.ts', '--docker', '28.5'] },
  { name: 'readme-examples', command: ['node', 'scripts/readme-examples.ts'] },
  { name: 'unused', command: ['knip'] },
  { name: 'packages', command: ['node', 'scripts/check-packages.ts'] },
  { name: 'docs', command: ['typedoc', '--logLevel', 'Warn', '--treatWarningsAsErrors'] },
];

const only = process.argv.slice(2);
const total: Tally = { passed: 0, failed: 0, skipped: 0 };
const lines: string[] = [];
for (const check of checks.filter(({ name }) => only.length === 0 || only.includes(name))) {
  console.log(`\n── ${check.name}: ${check.command.join(' ')}`);
  const started = performance.now();
  const ok = await succeeds(check.command);
  const { tally, failures } = await (check.report?.() ?? {
    tally: { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 },
    failures: [],
  });
  if (!ok && tally.failed === 0) tally.failed = 1;
  for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += tally[key];
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  lines.push(
    `${ok ? 'ok    ' : 'FAILED'} ${check.name.padEnd(16)} ${seconds.padStart(6)} s  ${describe(tally)}`,
    ...failures.map((failure) => `         ${failure}`),
  );
}
console.log(`\n${lines.join('\n')}`);
process.exitCode = total.failed > 0 ? 1 : 0;
console.log(describe(total));

async function succeeds(command: readonly string[]): Promise<boolean> {
  const [file, ...args] = command;
  const child = spawn(file!, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(child, 'close')) as [number | null];
  return code === 0;
}

async function vitestReport(): Promise<Report> {
  const report = JSON.parse(await readFile(VITEST_REPORT, 'utf8')) as VitestReport;
  return {
    tally: {
      passed: report.numPassedTests,
      failed: report.numFailedTests,
      skipped: report.numPendingTests,
    },
    failures: report.testResults.flatMap(({ name, message, assertionResults }) => {
      const file = relative('.', name);
      const failed = assertionResults.filter(({ status }) => status === 'failed');
      const tests = failed.map((test) => `${file}: ${test.fullName}: ${firstLine(test.failureMessages[0])}`);
      return message === '' ? tests : [...tests, `${file}: ${firstLine(message)}`];
    }),
  };
}

function firstLine(text = ''): string {
  return text.split('\n', 1)[0]!;
}

function describe({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
