/** What was measured once. */
export interface Figure {
  readonly metric: string;
  readonly unit: string;
  readonly value: number;
}

/** One line of the table: the samples of one metric of one case. */
export interface Row {
  readonly name: string;
  readonly metric: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

/** A benchmark: measures its cases, adds a sample per round, says what it does meanwhile. */
export interface Benchmark {
  readonly name: string;
  readonly describe: string;
  /** Takes minutes: it runs only when it is named. */
  readonly long?: true;
  run(context: BenchContext): Promise<void>;
}

/** How traffic is sent. */
export interface Traffic {
  /** Length of each run. */
  readonly seconds: number;
  /** TCP's congestion control. */
  readonly congestion: string;
}

export interface BenchContext {
  /** How often each case is measured. */
  readonly rounds: number;
  readonly traffic: Traffic;
  /** Adds one sample of a case. */
  readonly sample: (name: string, figure: Figure) => void;
  /** Says what is being measured. */
  readonly progress: (text: string) => void;
}

/** Collects samples and turns them into rows, in the order of their first sample. */
export class Report {
  readonly #samples = new Map<string, { name: string; metric: string; unit: string; values: number[] }>();

  sample(name: string, { metric, unit, value }: Figure): void {
    const key = `${name}\n${metric}`;
    const entry = this.#samples.get(key) ?? { name, metric, unit, values: [] };
    entry.values.push(value);
    this.#samples.set(key, entry);
  }

  rows(): Row[] {
    return [...this.#samples.values()].map(({ name, metric, unit, values }) => {
      const sorted = values.toSorted((a, b) => a - b);
      const median =
        (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
      return { name, metric, unit, median, min: sorted[0]!, max: sorted.at(-1)!, runs: sorted.length };
    });
  }
}

/** Rows as a table for people. */
export function formatTable(rows: readonly Row[]): string {
  const header = ['case', 'metric', 'median', 'min', 'max', 'unit', 'runs'];
  const lines = rows.map((row) => [
    row.name,
    row.metric,
    ...[row.median, row.min, row.max].map(formatNumber),
    row.unit,
    `${row.runs}`,
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column]!.length)),
  );
  const format = (line: string[]) =>
    line
      .map((cell, column) =>
        column > 1 && column < 5 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ');
  return [format(header), ...lines.map(format)].map((line) => line.trimEnd()).join('\n');
}

function formatNumber(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toPrecision(3);
}
