import { expect, it } from 'vitest';
import { explainFailure, summarize } from './result.ts';

const good = {
  kernel: '6.12',
  passed: 9,
  failed: 0,
  skipped: 0,
  exitCode: 0,
  fastPath: { on: true },
} as const;

it('files that failed as a whole count as failed tests', () => {
  const counts = { numPassedTests: 5, numFailedTests: 1, numPendingTests: 2 };
  const testResults = [{ message: '' }, { message: 'Cannot find module' }];
  expect(summarize({ ...counts, testResults })).toEqual({ passed: 5, failed: 2, skipped: 2 });
});

it('a run is good when vitest’s exit code is 0 and the fast path is there exactly where it must be', () => {
  expect(explainFailure(good, true)).toBeUndefined();
  expect(explainFailure({ ...good, exitCode: 1, failed: 2 }, true)).toBe('failed tests: 2');
  expect(explainFailure({ ...good, exitCode: null }, true)).toBe('vitest ended with exit code null');
  expect(explainFailure(good, false)).toBe('there is a fast path, which this kernel must not have');
  expect(explainFailure({ ...good, fastPath: { on: false, reason: 'EINVAL' } }, true)).toBe(
    'there is no fast path, which this kernel must have: EINVAL',
  );
  expect(explainFailure('was ended by SIGINT', true)).toBe('the guest was ended by SIGINT');
});
