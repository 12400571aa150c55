import { expect, it } from 'vitest';
import { createHostTime } from '../src/world/host-time.ts';
import { createScheduler } from '../src/world/scheduler.ts';

it('runs actions by time, and those of one time in the order in which they were scheduled', async () => {
  const scheduler = createScheduler();
  const done: string[] = [];
  for (const [time, name] of [
    [5, 'c'],
    [1, 'a'],
    [5, 'd'],
    [3, 'b'],
    [9, 'late'],
  ] as const)
    scheduler.at(time, () => done.push(`${name} at ${scheduler.now}`));
  scheduler.at(4, () => done.push('cancelled')).cancel();
  await scheduler.run(8);
  expect(done).toEqual(['a at 1', 'b at 3', 'c at 5', 'd at 5']);
  expect(scheduler.now).toBe(8);
  expect(scheduler.pending).toBe(1);
});

it('lets every promise settle before time passes', async () => {
  const scheduler = createScheduler();
  let depth = 0;
  scheduler.at(1, () => {
    void (async () => {
      for (; depth < 1000; depth++) await Promise.resolve();
    })();
  });
  scheduler.at(1, () => expect(depth).toBe(1000));
  await scheduler.run(2);
  expect(depth).toBe(1000);
});

it('rejects with what an action throws', async () => {
  const scheduler = createScheduler();
  scheduler.at(1, () => {
    throw new Error('broken');
  });
  await expect(scheduler.run(2)).rejects.toThrow('broken');
});

it('a suspended host has timers that stand still, and a boot clock that goes on', async () => {
  const scheduler = createScheduler();
  const time = createHostTime(scheduler, { driftPpm: 0 });
  const woken = Promise.all([time.boot.delay(100).then(() => scheduler.now)]);
  scheduler.at(40, () => time.pause('suspended'));
  scheduler.at(1000, () => time.resume());
  await scheduler.run(2000);
  expect(await woken).toEqual([1060]);
  expect(time.boot.now()).toBe(2000);
});

it('a timer that begins while its host is suspended begins when the host goes on', async () => {
  const scheduler = createScheduler();
  const time = createHostTime(scheduler, { driftPpm: 0 });
  let firedAt = 0;
  scheduler.at(40, () => time.pause('suspended'));
  scheduler.at(500, () => time.after(100, () => (firedAt = scheduler.now)));
  scheduler.at(1000, () => time.resume());
  await scheduler.run(2000);
  expect(firedAt).toBe(1100);
});

it('a stopped host catches up with its timers when it goes on', async () => {
  const scheduler = createScheduler();
  const time = createHostTime(scheduler, { driftPpm: 0 });
  const woken = Promise.all([100, 5000].map((ms) => time.boot.delay(ms).then(() => scheduler.now)));
  scheduler.at(40, () => time.pause('stopped'));
  scheduler.at(1000, () => time.resume());
  await scheduler.run(6000);
  expect(await woken).toEqual([1000, 5000]);
});

it('a step moves the wall clock alone', () => {
  const time = createHostTime(createScheduler(), { driftPpm: 0 });
  const before = time.wall.now();
  time.step(-3_600_000);
  expect(time.wall.now()).toBe(before - 3_600_000);
  expect(time.boot.now()).toBe(0);
});
