import type { RoundResult, SoakFailure, SoakResult } from './soak.ts';

/** Returns the line that a run prints after each round. */
export function formatRound({ round, kinds, what, ...times }: RoundResult): string {
  const { startedAfterMs, onMs, recoveredMs, outageMs } = times;
  const facts = `on ${onMs} ms, right ${recoveredMs} ms later, longest outage ${outageMs} ms`;
  return `${(startedAfterMs / 1000).toFixed(1).padStart(8)} s  #${round} ${kinds.join(' + ')}${what && ` (${what.slice(0, 120)})`}: ${facts}`;
}

/** Returns what runs have in common, in Markdown: a table with a row for each kind of fault, and a few sentences. */
export function formatSummary(runs: readonly SoakResult[]): string {
  const rounds = runs.flatMap((run) => run.rounds);
  const kinds = Map.groupBy(rounds, (round) => (round.kinds.length === 1 ? round.kinds[0]! : 'two at once'));
  const rows = [...kinds]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([kind, results]) => {
      const recovered = results.map(({ recoveredMs }) => recoveredMs).sort((a, b) => a - b);
      const outage = Math.max(...results.map(({ outageMs }) => outageMs));
      return [
        kind,
        ...[results.length, outage, quantile(recovered, 0.5), quantile(recovered, 0.99)].map(String),
      ];
    });
  const seeds = runs.map(({ seed, access }) => `${seed} (${access})`).join(', ');
  const changes = runs.reduce((sum, { leaseChanges }) => sum + leaseChanges, 0);
  const failures = runs.flatMap((run) =>
    run.failure ? [`seed ${run.seed}, round ${run.failure.round}: ${run.failure.kinds.join(' + ')}`] : [],
  );
  return [
    ...formatTable(['fault', 'count', 'longest outage, ms', 'recovery p50, ms', 'recovery p99, ms'], rows),
    '',
    `Seeds: ${seeds}. Rounds: ${rounds.length}. Changes of leases that were judged: ${changes}.`,
    `Violations: ${failures.join('; ') || 'none'}.`,
    `Memory of a daemon: ${formatMemory(runs, 'before')} at the start of a run, ${formatMemory(runs, 'after')} at its end.`,
  ].join('\n');
}

export function formatFailure(seed: number, failure: SoakFailure): string {
  const logs = Object.entries(failure.logs).flatMap(([name, lines]) => [`── ${name}`, ...lines]);
  const { round, kinds, what, violations } = failure;
  return [
    ...logs,
    '',
    `seed ${seed}, round ${round}: ${kinds.join(' + ')} (${what}): what does not hold:`,
    ...violations.map((violation) => `  ${violation}`),
  ].join('\n');
}

/** Returns the lines of a table whose columns but the first are numbers, as Prettier formats them. */
function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const align = (row: readonly string[]) =>
    line(
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))),
    );
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [align(head), line(rule), ...rows.map(align)];
}

function formatMemory(runs: readonly SoakResult[], when: keyof SoakResult['rssKb']): string {
  // A daemon that does not run has none.
  const sizes = runs.flatMap(({ rssKb }) => rssKb[when]).filter((kib) => kib > 0);
  return `${mib(Math.min(...sizes))} – ${mib(Math.max(...sizes))} MiB`;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!;
}

function mib(kib: number): number {
  return Math.round(kib / 1024);
}
