import type { FastPathState } from '@flannel-ts/tunnel';

/** What a guest reports once its tests have ended. */
export interface GuestResult extends TestCounts {
  /** As `uname -r` prints it. */
  readonly kernel: string;
  readonly fastPath: FastPathState;
  /** Of vitest. */
  readonly exitCode: number | null;
}

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The parts read here of vitest's JSON report. */
export interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
}

export function summarize(report: VitestReport): TestCounts {
  const { numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped } = report;
  return { passed, failed, skipped };
}
