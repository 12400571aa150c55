import type { NetlinkPort } from '@flannel-ts/native';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createCompareTimer } from '../src/compare-timer.ts';
import { watchNetfilter } from '../src/watch-netfilter.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const [NEW_RULE, NEW_ELEMENT, NEW_GENERATION] = [0x0a06, 0x0a0c, 0x0a0f];

/** A datagram of messages with these types, each of 18 bytes and padding. */
function messages(...types: number[]): Uint8Array {
  const words = new Uint16Array(types.length * 10);
  const lengths = new Uint32Array(words.buffer);
  for (const [index, type] of types.entries()) {
    lengths[index * 5] = 18;
    words[index * 10 + 2] = type;
  }
  return new Uint8Array(words.buffer);
}

it('a lost report counts as a change, elements of sets do not, and a host without reports has no changes', () => {
  const listen = vi.fn<NetlinkPort['listen']>();
  const close = vi.fn();
  const port: NetlinkPort = { send: vi.fn(), listen, close, [Symbol.dispose]: close };
  const onChange = vi.fn();
  using watch = watchNetfilter((options) => {
    expect(options).toEqual({ protocol: 12, groups: [7] });
    return port;
  }, onChange);
  const [onDatagram, onError] = listen.mock.calls[0]!;
  onDatagram(messages(NEW_RULE));
  onError(Object.assign(new Error('ENOBUFS'), { code: 'ENOBUFS', errno: 105, syscall: 'recv' }));
  expect(onChange).toHaveBeenCalledTimes(2);
  onDatagram(messages(NEW_ELEMENT, NEW_ELEMENT));
  onDatagram(messages(NEW_GENERATION));
  expect(onChange).toHaveBeenCalledTimes(2);
  onDatagram(messages(NEW_ELEMENT, NEW_RULE, NEW_ELEMENT));
  expect(onChange).toHaveBeenCalledTimes(3);
  watch[Symbol.dispose]();
  expect(close).toHaveBeenCalled();

  using none = watchNetfilter(() => {
    throw new Error('EPERM');
  }, onChange);
  expect(none).toBeDefined();
  expect(onChange).toHaveBeenCalledTimes(3);
});

it('changes without end cause two compares a second, and none is put off', () => {
  const due: number[] = [];
  using timer = createCompareTimer(5_000, () => {
    due.push(performance.now());
    timer.restart();
  });
  timer.restart();
  const started = performance.now();
  for (let changes = 0; changes < 3_000; changes++) {
    timer.hurry();
    vi.advanceTimersByTime(1);
  }
  expect(due.length).toBe(6);
  vi.advanceTimersByTime(6_000);
  expect(due.length).toBe(7);
  expect(due[0]! - started).toBeLessThanOrEqual(500);
});

it('a change while nothing is desired, or a stop, leaves no compare', () => {
  const onDue = vi.fn();
  using timer = createCompareTimer(1_000, onDue);
  timer.restart();
  timer.hurry();
  timer.stop();
  vi.advanceTimersByTime(10_000);
  expect(onDue).not.toHaveBeenCalled();
});
