import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { systemClock } from '../src/index.ts';

const CLOCK = fileURLToPath(new URL('../src/clock.ts', import.meta.url));
const SLEPT_MS = 100_000_000;

/** Reads the clock in a process whose machine seems to have slept: more time since the boot, but not of its timers. */
async function readAfterSleep(): Promise<number> {
  const script = `import { systemClock } from ${JSON.stringify(CLOCK)}; console.log(systemClock.now());`;
  const node = [process.execPath, '--input-type=module', '--eval', script];
  const namespace = ['--time', '--boottime', `${SLEPT_MS / 1000}`, '--monotonic', '0', '--fork'];
  return Number((await promisify(execFile)('unshare', [...namespace, ...node])).stdout);
}

it('the system clock counts the time that the machine slept', async () => {
  const before = systemClock.now();
  const after = await readAfterSleep();
  expect(after - before).toBeGreaterThanOrEqual(SLEPT_MS);
  expect(after - before).toBeLessThan(SLEPT_MS + 60_000);
});

it('the system clock is not moved by the wall clock, and has a resolution of 10 ms', async () => {
  const wallClock = Date.now;
  const before = systemClock.now();
  try {
    Date.now = () => wallClock() + SLEPT_MS;
    await expect.poll(() => systemClock.now() - before).toBeGreaterThan(0);
    expect(systemClock.now() - before).toBeLessThan(10_000);
  } finally {
    Date.now = wallClock;
  }
});
