import { expect, it } from 'vitest';
import { formatTable } from './table.ts';

it('the table has a row for each guest, with the reason where there is no fast path', () => {
  const failure = undefined;
  const counts = { passed: 60, failed: 0, skipped: 47, exitCode: 0 };
  const runs = [
    {
      ...{ release: '6.1.0-50-cloud-amd64', suite: 'bookworm', minutes: 4.26, failure },
      result: { kernel: '6.1.0-50-cloud-amd64', fastPath: { on: false, reason: 'EINVAL' }, ...counts },
    },
    {
      ...{ release: '6.12.117+deb13-cloud-amd64', suite: 'trixie', minutes: 5, failure },
      result: { kernel: '6.12.117+deb13-cloud-amd64', fastPath: { on: true }, ...counts, skipped: 0 },
    },
    {
      release: '7.2.13+deb14-cloud-amd64',
      suite: 'sid',
      minutes: 60,
      result: 'took longer than 60 minutes',
      failure,
    },
  ] as const;
  expect(
    formatTable(runs)
      .split('\n')
      .map((line) => line.replaceAll(/ +/g, ' ')),
  ).toEqual([
    '| kernel | Debian | passed | failed | skipped | minutes | fast path |',
    expect.stringMatching(/^(\| -+ )+\|$/),
    '| 6.1.0-50-cloud-amd64 | bookworm | 60 | 0 | 47 | 4.3 | no: EINVAL |',
    '| 6.12.117+deb13-cloud-amd64 | trixie | 60 | 0 | 0 | 5.0 | yes |',
    '| 7.2.13+deb14-cloud-amd64 | sid | – | – | – | 60.0 | unknown |',
  ]);
});
