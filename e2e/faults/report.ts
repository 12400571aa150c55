import type { RoundResult, SoakFailure, SoakResult } from './soak.ts';

/** Returns the line that a run prints after each round. */
export function formatRound({ round, kind, what, ...times }: RoundResult): string {
  const { startedAfterMs, onMs, recoveredMs, outageMs } = times;
  const facts = `on ${onMs} ms, right ${recoveredMs} ms later, longest outage ${outageMs} ms`;
  return `${(startedAfterMs / 1000).toFixed(1).padStart(8)} s  #${round} ${kind}${what && ` (${what.slice(0, 120)})`}: ${facts}`;
}

/** Returns a table with a row for each kind of fault. */
export function formatSummary({ rounds, rssKb, leaseChanges }: SoakResult): string {
  const kinds = Map.groupBy(rounds, ({ kind }) => kind);
  const rows = [...kinds]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([kind, results]) => {
      const recovered = results.map(({ recoveredMs }) => recoveredMs).sort((a, b) => a - b);
      const outage = Math.max(...results.map(({ outageMs }) => outageMs));
      return [
        kind,
        `${results.length}`,
        `${outage}`,
        `${quantile(recovered, 0.5)}`,
        `${quantile(recovered, 0.99)}`,
      ];
    });
  const table = [['fault', 'count', 'longest outage, ms', 'recovery p50, ms', 'p99, ms'], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  '),
  );
  const memory = rssKb.before
    .map((before, index) => `${mib(before)} → ${mib(rssKb.after[index]!)}`)
    .join(', ');
  return [
    ...lines,
    '',
    `memory of the daemons in MiB: ${memory}`,
    `changes of leases judged: ${leaseChanges}`,
  ].join('\n');
}

export function formatFailure(seed: number, failure: SoakFailure): string {
  const logs = Object.entries(failure.logs).flatMap(([name, lines]) => [`── ${name}`, ...lines]);
  const { round, kind, what, violations } = failure;
  return [
    ...logs,
    '',
    `seed ${seed}, round ${round}: ${kind} (${what}): what does not hold:`,
    ...violations.map((violation) => `  ${violation}`),
  ].join('\n');
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!;
}

function mib(kib: number): number {
  return Math.round(kib / 1024);
}
