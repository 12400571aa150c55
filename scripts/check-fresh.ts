// Runs `npm start` and `npm test` right after `git clone` on newly made Debian systems: `npm run check:fresh`.
import { parseArgs } from 'node:util';
import { SUITES, type Suite } from '../lab/src/index.ts';
import { NODES, withFreshTree, type NodeChoice } from './fresh-tree.ts';

const COMMANDS = ['start', 'test'] as const;
const HELP = `npm run check:fresh -- [--suite NAME] [--node NAME] [--only start|test]

Makes Debian systems with nothing but Node, npm and git, clones the commit that is checked out, and runs npm start
and npm test there as root. Ends with one line for each, and exit code 1 if one failed. npm start takes about
3 minutes, npm test 15; all of them together three hours.

  --suite  ${SUITES.join(', ')} (default: each)
  --node   debian: the suite's own Node and npm; 22 or 24: that Node and its npm (default: each)
  --only   start or test (default: both)
`;
/** Lines of a command's output that show how far it is. */
const PROGRESS = /^(setup: |── |(ok|FAILED) +\S+ +[\d.]+ s)/;
/** Lines that are shown of a command that failed. */
const TAIL = 150;

interface Case {
  readonly suite: Suite;
  readonly node: NodeChoice;
  readonly command: (typeof COMMANDS)[number];
}

const cases = readCases();
if (process.getuid?.() !== 0) {
  console.error('npm run check:fresh needs root: it makes Debian systems. Run it as root or with sudo.');
  process.exit(1);
}
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopped.abort());

const results: string[] = [];
let failed = 0;
for (const each of cases) {
  const started = performance.now();
  const ok = await succeeds(each).catch((error: unknown) => {
    console.log(error instanceof Error ? error.message : String(error));
    return false;
  });
  if (stopped.signal.aborted) break;
  if (!ok) failed++;
  const minutes = ((performance.now() - started) / 60_000).toFixed(1);
  results.push(`${ok ? 'ok    ' : 'FAILED'} ${describe(each).padEnd(40)} ${minutes.padStart(5)} min`);
}
console.log(`\n${results.join('\n')}\n${results.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 || stopped.signal.aborted ? 1 : 0;

/** Every combination of what the options leave. */
function readCases(): Case[] {
  try {
    const { values } = parseArgs({
      options: {
        suite: { type: 'string' },
        node: { type: 'string' },
        only: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const suites = choose('--suite', SUITES, values.suite);
    const nodes = choose('--node', NODES, values.node);
    const commands = choose('--only', COMMANDS, values.only);
    return commands.flatMap((command) =>
      nodes.flatMap((node) => suites.map((suite) => ({ suite, node, command }))),
    );
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    process.exit(2);
  }
}

function choose<T extends string>(
  option: string,
  all: readonly T[],
  value: string | undefined,
): readonly T[] {
  if (value === undefined) return all;
  const chosen = all.filter((each) => each === value);
  if (chosen.length === 0) throw new Error(`${option} must be one of ${all.join(', ')}, not ${value}`);
  return chosen;
}

async function succeeds({ suite, node, command }: Case): Promise<boolean> {
  console.log(`\n━━ ${describe({ suite, node, command })}: making the system`);
  return await withFreshTree(suite, node, async (tree) => {
    const lines: string[] = [];
    const script = `cd && git clone --quiet flannel-ts.bundle flannel-ts && cd flannel-ts && npm ${command}`;
    const code = await tree.run(
      script,
      (line) => {
        lines.push(line);
        if (PROGRESS.test(line)) console.log(`   ${line}`);
      },
      stopped.signal,
    );
    if (code !== 0 && !stopped.signal.aborted)
      console.log([...lines.slice(-TAIL), `exit code ${code}`].join('\n'));
    return code === 0;
  });
}

function describe({ suite, node, command }: Case): string {
  return `npm ${command} on ${suite} with ${node === 'debian' ? 'Debian’s Node' : `Node ${node}`}`;
}
