import { expect, it } from 'vitest';
import { formatSummary } from './report.ts';
import type { RoundResult, SoakResult } from './soak.ts';

function round(kinds: readonly string[], recoveredMs: number, outageMs: number): RoundResult {
  return { round: 0, kinds, what: '', startedAfterMs: 0, onMs: 0, recoveredMs, outageMs };
}

const RUN: SoakResult = {
  ...{ seed: 1, access: 'open', leaseChanges: 5 },
  rounds: [
    round(['etcd away'], 100, 120),
    round(['etcd away'], 300, 110),
    round(['disk full', 'daemon killed'], 50, 130),
  ],
  rssKb: { before: [90 * 1024, 92 * 1024], after: [100 * 1024, 0] },
};
const FAILED: SoakResult = {
  ...{ seed: 2, access: 'tls', leaseChanges: 6 },
  rounds: [round(['etcd away'], 200, 400), round(['disk full'], 7, 8)],
  failure: { round: 2, kinds: ['etcd wiped'], what: '', violations: ['host1: 0 leases: '], logs: {} },
  rssKb: { before: [91 * 1024], after: [95 * 1024] },
};

it('sums up runs by kind of fault, in Markdown', () => {
  expect(formatSummary([RUN, FAILED])).toBe(
    `
| fault       | count | longest outage, ms | recovery p50, ms | recovery p99, ms |
| ----------- | ----: | -----------------: | ---------------: | ---------------: |
| disk full   |     1 |                  8 |                7 |                7 |
| etcd away   |     3 |                400 |              200 |              300 |
| two at once |     1 |                130 |               50 |               50 |

Seeds: 1 (open), 2 (tls). Rounds: 5. Changes of leases that were judged: 11.
Violations: seed 2, round 2: etcd wiped.
Memory of a daemon: 90 – 92 MiB at the start of a run, 95 – 100 MiB at its end.
`.trim(),
  );
});
