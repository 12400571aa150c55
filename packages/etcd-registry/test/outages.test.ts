import { createFakeClock } from '@flannel-ts/subnet/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { createOutages, type Outages, type RegistryEvent } from '../src/outages.ts';

const clock = createFakeClock();
let events: RegistryEvent[];
let outages: Outages;
beforeEach(() => {
  events = [];
  outages = createOutages({ clock, onEvent: (event) => void events.push(event) });
});

describe('an outage', () => {
  it('is reported once at its begin, however often it is seen, and once at its end', async () => {
    const watch = outages.add();
    for (let attempt = 0; attempt < 100; attempt++) watch.failed('refused');
    await clock.advance(5_000);
    watch.over();
    watch.over();
    expect(events).toEqual([
      { kind: 'interrupted', reason: 'refused' },
      { kind: 'restored', afterMs: 5_000 },
    ]);
  });

  it('of all watches is one, until all of them work', () => {
    const [one, two] = [outages.add(), outages.add()];
    one.failed('refused');
    two.failed('refused');
    one.over();
    expect(events.map(({ kind }) => kind)).toEqual(['interrupted']);
    two.over();
    expect(events.map(({ kind }) => kind)).toEqual(['interrupted', 'restored']);
  });

  it('is over when the watch that failed has ended, although another says nothing', () => {
    const [ended] = [outages.add(), outages.add()];
    ended.failed('refused');
    ended.remove();
    expect(events.map(({ kind }) => kind)).toEqual(['interrupted', 'restored']);
  });

  it('whose reason alternates is not reported again', () => {
    const watch = outages.add();
    for (let attempt = 0; attempt < 100; attempt++) watch.failed(attempt % 2 ? 'no answer' : 'refused');
    expect(events).toEqual([{ kind: 'interrupted', reason: 'refused' }]);
  });

  it('whose reason changes for good is reported again, once, and ends as one', async () => {
    const watch = outages.add();
    watch.failed('no answer');
    await clock.advance(1_000);
    for (let attempt = 0; attempt < 100; attempt++) watch.failed('refused');
    watch.over();
    expect(events).toEqual([
      { kind: 'interrupted', reason: 'no answer' },
      { kind: 'interrupted', reason: 'refused' },
      { kind: 'restored', afterMs: 1_000 },
    ]);
  });
});
