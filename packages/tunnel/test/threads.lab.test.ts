import { readdir, readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { countAnswers } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { checkTransfers, serveTransfers } from './support/check-transfers.ts';
import { createOverlay, join, type Overlay } from './support/overlay.ts';

describe('the threads of a tunnel', () => {
  const stack = new AsyncDisposableStack();
  let overlay: Overlay;

  beforeAll(async () => {
    overlay = await createOverlay(stack);
    for (const tunnel of await join(overlay)) stack.use(tunnel);
    await serveTransfers(overlay.containers[1]);
  });
  afterAll(() => stack.disposeAsync());

  /** Pings further apart than the pause that ends a transfer. */
  const ping = async (count: number) => {
    const [from, to] = overlay.containers;
    expect(await countAnswers(from, to.address, { count })).toBe(count);
  };
  const transfer = () =>
    checkTransfers(overlay.containers[0], overlay.containers[1].address, {
      seed: 1,
      bytes: 10e6,
      datagrams: false,
    });

  it('leave single packets of both directions to the first', async () => {
    await ping(2);
    const before = await wakeUps('tunnel-helper');
    await ping(20);
    expect(await wakeUps('tunnel-helper')).toEqual(before);
  });

  it('share a transfer, and end that with the first packets after it', async () => {
    const before = await wakeUps('tunnel-helper');
    await transfer();
    const after = await wakeUps('tunnel-helper');
    expect(after).toHaveLength(2);
    for (const [index, count] of after.entries()) expect(count).toBeGreaterThan(before[index]!);

    await ping(2);
    const returned = await wakeUpsAtRest('tunnel-helper');
    await ping(20);
    expect(await wakeUps('tunnel-helper')).toEqual(returned);
  });

  it('lose nothing while they take turns', async () => {
    for (let turn = 0; turn < 5; turn++) {
      await transfer();
      await ping(2);
    }
  });
});

/** How often each thread of this process that has the name went to sleep so far, in order of their ids. */
async function wakeUps(name: string): Promise<number[]> {
  const counts: number[] = [];
  for (const task of (await readdir('/proc/self/task')).toSorted((a, b) => Number(a) - Number(b))) {
    const status = await readFile(`/proc/self/task/${task}/status`, 'utf8');
    if (status.startsWith(`Name:\t${name}\n`))
      counts.push(Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)![1]));
  }
  return counts;
}

/** The same, read when none of them has just begun to sleep: a helper does so only after it has delivered a packet. */
async function wakeUpsAtRest(name: string): Promise<number[]> {
  return vi.waitFor(async () => {
    const counts = await wakeUps(name);
    await setTimeout(50);
    expect(await wakeUps(name)).toEqual(counts);
    return counts;
  }, 5_000);
}
