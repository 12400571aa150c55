import { expect, it } from 'vitest';
import { createConditions } from '../src/conditions.ts';
import { createLog } from '../src/log.ts';
import { reportDeviceEvent } from '../src/report-events.ts';

const log = createLog({ debug: false, terminal: false });

it('what another process keeps changing degrades the backend until the contest is over', () => {
  using conditions = createConditions({ log });
  const report = (subjects: readonly string[]) =>
    reportDeviceEvent({ log, conditions }, { kind: 'contested', subjects });
  report(Array.from({ length: 7 }, (_, number) => `route 10.5.${number}.0/24`));
  expect(conditions.list()).toMatchObject([{ part: 'backend', state: 'degraded' }]);
  expect(conditions.list()[0]!.reason).toMatch(/changing route 10\.5\.0\.0\/24, .* and 2 more, which/);
  report([]);
  expect(conditions.list()).toMatchObject([{ part: 'backend', state: 'ok', reason: '' }]);
});
