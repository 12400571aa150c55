import { PassThrough } from 'node:stream';
import { queryObjects } from 'node:v8';
import { expect, it } from 'vitest';
import { bursts } from '../src/bursts.ts';

const every = { quietMs: 20, matters: (word: string) => word !== 'noise' };

it('yields once for a burst of events, and not for events that do not matter', async () => {
  const events = new PassThrough({ objectMode: true });
  const seen = bursts(events as AsyncIterable<string>, every);
  events.write('noise');
  for (let index = 0; index < 100; index++) events.write('link');
  expect(await seen.next()).toEqual({ done: false, value: undefined });
  const next = seen.next();
  events.write('noise');
  events.write('address');
  expect((await next).done).toBe(false);
  events.end();
  expect((await seen.next()).done).toBe(true);
});

it('throws what ended the events, also when that happens while a burst is awaited', async () => {
  const events = new PassThrough({ objectMode: true });
  const seen = bursts(events as AsyncIterable<string>, every);
  const next = seen.next();
  events.write('link');
  setImmediate(() => events.destroy(new Error('the socket broke')));
  expect((await next).done).toBe(false);
  await expect(seen.next()).rejects.toThrow('the socket broke');
});

it('keeps nothing of a burst that is over', async () => {
  const events = new PassThrough({ objectMode: true });
  const seen = bursts(events as AsyncIterable<string>, { ...every, quietMs: 0 });
  const burst = async () => {
    events.write('link');
    await seen.next();
  };
  await burst();
  const promises = () => queryObjects(Promise, { format: 'count' });
  const before = promises();
  for (let count = 0; count < 100; count++) await burst();
  expect(promises()).toBeLessThan(before + 50);
  events.destroy();
});
