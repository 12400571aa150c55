import { formatTime } from '../faults/fault.ts';
import type { Scheduler } from '../world/scheduler.ts';

/** What happened in a run: the last of it as text, all of it as a digest. */
export interface RunRecord {
  /** Adds a line to the history. */
  add(...words: readonly (string | number | undefined)[]): void;
  /** Adds only to the digest, for what happens too often to be read. */
  count(value: number): void;
  /** Ends the run with a broken invariant; the first one counts. */
  fail(problem: string): void;
  readonly failure: Failure | undefined;
  /** 16 hexadecimal digits; equal for equal histories. */
  readonly digest: string;
}

export interface Failure {
  readonly at: number;
  readonly problem: string;
  /** The last lines of the history. */
  readonly history: readonly string[];
}

const KEPT_LINES = 40;

export function createRecord(scheduler: Scheduler): RunRecord {
  const lines: (readonly (string | number | undefined)[])[] = [];
  let failure: Failure | undefined;
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;

  function count(value: number): void {
    a = Math.imul(a ^ value, 2654435761);
    a ^= a >>> 15;
    b = Math.imul(b ^ value, 1597334677);
    b ^= b >>> 13;
  }

  function addTime(): void {
    // Virtual times are fractions; their microseconds tell runs apart.
    count(Math.round(scheduler.now * 1000) | 0);
  }

  return {
    add(...words) {
      addTime();
      for (const word of words) {
        if (typeof word === 'number') count(word);
        else for (let index = 0; index < (word?.length ?? 0); index++) count(word!.charCodeAt(index));
      }
      lines.push([scheduler.now, ...words]);
      if (lines.length > 2 * KEPT_LINES) lines.splice(0, KEPT_LINES);
    },
    count(value) {
      addTime();
      count(value);
    },
    fail(problem) {
      failure ??= {
        at: scheduler.now,
        problem,
        history: lines
          .slice(-KEPT_LINES)
          .map(([time, ...words]) => [formatTime(time as number), ...words.filter(Boolean)].join(' ')),
      };
      scheduler.stop();
    },
    get failure() {
      return failure;
    },
    get digest() {
      return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
    },
  };
}
