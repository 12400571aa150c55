import type { GuestResult } from './result.ts';

/** What became of one guest. */
export interface Run {
  /** As `uname -r` prints it. */
  readonly release: string;
  /** Of Debian. */
  readonly suite: string;
  readonly minutes: number;
  /** Or how the guest ended without one. */
  readonly result: GuestResult | string;
  /** Why it is not good. */
  readonly failure: string | undefined;
}

const TITLES = ['kernel', 'Debian', 'passed', 'failed', 'skipped', 'minutes', 'fast path'];

/** Returns a table in Markdown with a row for each guest. */
export function formatTable(runs: readonly Run[]): string {
  const rows = [TITLES, ...runs.map(toRow)];
  const widths = TITLES.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)));
  const rule = widths.map((width) => '-'.repeat(width));
  return [lines[0]!, rule, ...lines.slice(1)].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function toRow({ release, suite, minutes, result }: Run): string[] {
  const row = (...counts: unknown[]) => [release, suite, ...counts.map(String), minutes.toFixed(1)];
  if (typeof result === 'string') return [...row('–', '–', '–'), 'unknown'];
  const { passed, failed, skipped, fastPath } = result;
  return [...row(passed, failed, skipped), fastPath.on ? 'yes' : `no: ${fastPath.reason}`];
}
