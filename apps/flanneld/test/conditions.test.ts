import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createConditions, type Conditions } from '../src/conditions.ts';

let lines: string[];
let conditions: Conditions;

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  const write = (line: string) => {
    const { level, part, msg } = JSON.parse(line) as { level: string; part: string; msg: string };
    lines.push(`${level} ${part}: ${msg}`);
  };
  const formatters = { level: (level: string) => ({ level }) };
  conditions = createConditions({ log: pino({ base: null, formatters }, { write }) });
});
afterEach(() => {
  conditions[Symbol.dispose]();
  vi.useRealTimers();
});

it('logs a change once, and that the part is ok again', () => {
  conditions.report('registry', 'failing', 'etcd is away');
  conditions.report('registry', 'failing', 'etcd is away');
  conditions.report('registry', 'ok');
  conditions.report('registry', 'ok');
  expect(lines).toEqual(['error registry: etcd is away', 'info registry: registry is ok again']);
});

it('logs each reason of a trouble once, however often two of them alternate', () => {
  for (let round = 0; round < 50; round++) {
    conditions.report('registry', 'failing', 'one endpoint is dead');
    conditions.report('registry', 'failing', 'the other endpoint is dead');
  }
  expect(lines).toEqual([
    'error registry: one endpoint is dead',
    'error registry: the other endpoint is dead',
  ]);
});

it('does not fill the log when every attempt has a reason of its own', () => {
  for (let round = 0; round < 1_000; round++)
    conditions.report('registry', 'failing', `attempt ${round} failed`);
  expect(lines.length).toBe(16);
  expect(conditions.list()[0]!.reason).toBe('attempt 999 failed');
});

it('repeats a trouble that lasts after 1, 2, 4 … minutes, and from an hour on every hour', () => {
  conditions.report('peers', 'degraded', 'a lease is not followed');
  const times: number[] = [];
  for (let minute = 1; minute <= 300; minute++) {
    const before = lines.length;
    vi.advanceTimersByTime(60_000);
    if (lines.length > before) times.push(minute);
  }
  expect(times).toEqual([1, 3, 7, 15, 31, 63, 123, 183, 243]);
  expect(lines.at(-1)).toBe('warn peers: a lease is not followed');
  conditions.report('peers', 'ok');
  const said = lines.length;
  vi.advanceTimersByTime(10 * 3_600_000);
  expect(lines.length).toBe(said);
});

it('has the worst state of the aspects of a part, and the reasons of all', () => {
  const condition = () => conditions.list().map(({ state, reason }) => `${state}: ${reason}`);
  conditions.report('underlay', 'degraded', 'Network overlaps it', 'overlap');
  conditions.report('underlay', 'failing', 'eth0 is gone', 'interface');
  expect(condition()).toEqual(['failing: eth0 is gone; Network overlaps it']);
  conditions.report('underlay', 'ok', '', 'interface');
  expect(condition()).toEqual(['degraded: Network overlaps it']);
  conditions.report('underlay', 'ok', '', 'overlap');
  expect(condition()).toEqual(['ok: ']);
});

it('keeps the time at which the state changed while only the reason changes', () => {
  vi.setSystemTime(1_000);
  conditions.report('files', 'failing', 'read-only file system');
  vi.setSystemTime(5_000);
  conditions.report('files', 'failing', 'no space left on device');
  expect(conditions.list()[0]!.since).toEqual(new Date(1_000));
  conditions.report('files', 'ok');
  expect(conditions.list()[0]!.since).toEqual(new Date(5_000));
});
