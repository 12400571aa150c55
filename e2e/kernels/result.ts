import type { FastPathState } from '@flannel-ts/tunnel';

/** What a guest reports once its tests have ended. */
export interface GuestResult extends TestCounts {
  /** As `uname -r` prints it. */
  readonly kernel: string;
  readonly fastPath: FastPathState;
  /** Of vitest. */
  readonly exitCode: number | null;
}

interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The parts read here of vitest's JSON report. */
export interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    /** Why the file as a whole failed, such as an import or a hook; empty when only tests did. */
    readonly message: string;
  }[];
}

/** Counts tests, and files that failed as a whole as failed tests. */
export function summarize(report: VitestReport): TestCounts {
  const { numPassedTests: passed, numFailedTests, numPendingTests: skipped } = report;
  const files = report.testResults.filter(({ message }) => message !== '');
  return { passed, failed: numFailedTests + files.length, skipped };
}

/**
 * Returns why a run is not good; `undefined` when it is. Where a fast path must be and is not, tests of it were skipped.
 * @param result - or how the guest ended without one: `was ended by SIGINT`
 */
export function explainFailure(result: GuestResult | string, mustBeFast: boolean): string | undefined {
  if (typeof result === 'string') return `the guest ${result}`;
  const { failed, exitCode, fastPath } = result;
  if (failed > 0) return `failed tests: ${failed}`;
  if (exitCode !== 0) return `vitest ended with exit code ${String(exitCode)}`;
  if (fastPath.on === mustBeFast) return undefined;
  if (fastPath.on) return 'there is a fast path, which this kernel must not have';
  return `there is no fast path, which this kernel must have: ${fastPath.reason}`;
}
