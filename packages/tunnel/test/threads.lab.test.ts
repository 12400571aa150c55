import { readdir, readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { countAnswers, type Container } from '@flannel-ts/lab';
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

describe('several threads a direction', () => {
  const stack = new AsyncDisposableStack();
  let overlay: Overlay;

  beforeAll(async () => {
    overlay = await createOverlay(stack);
    for (const tunnel of await join(overlay, [{ threads: 4 }, { threads: 4 }])) stack.use(tunnel);
    await serveTransfers(overlay.containers[1]);
  });
  afterAll(() => stack.disposeAsync());

  it('share the flows of the tunnel, and each keeps the order of its own', async () => {
    const [from, to] = overlay.containers;
    const before = [await wakeUps('tunnel-sender'), await wakeUps('tunnel-writer')];
    expect(before.map((counts) => counts.length)).toEqual([6, 8]);
    const reordered = await tcpReordered(from);
    await Promise.all(
      Array.from({ length: 12 }, (_, seed) =>
        checkTransfers(from, to.address, { seed, bytes: 2e6, datagrams: false }),
      ),
    );
    const after = [await wakeUps('tunnel-sender'), await wakeUps('tunnel-writer')];
    for (const [kind, counts] of after.entries())
      expect(counts.filter((count, index) => count > before[kind]![index]!).length).toBeGreaterThan(1);
    expect((await tcpReordered(from)) - reordered).toBe(0);
  });

  it('leave single packets to one', async () => {
    const [from, to] = overlay.containers;
    expect(await countAnswers(from, to.address, { count: 2 })).toBe(2);
    const before = await wakeUpsAtRest('tunnel-writer');
    expect(await countAnswers(from, to.address, { count: 20 })).toBe(20);
    expect(await wakeUps('tunnel-writer')).toEqual(before);
  });
});

/** How often a container's TCP noticed that segments it had sent changed places; a lost one is no such case. */
async function tcpReordered(container: Container): Promise<number> {
  const [names, values] = (await container.run('cat', '/proc/net/netstat'))
    .split('\n')
    .filter((line) => line.startsWith('TcpExt:'))
    .map((line) => line.split(' '));
  const counters = ['TCPSACKReorder', 'TCPTSReorder'];
  return counters.reduce((sum, name) => sum + Number(values![names!.indexOf(name)]), 0);
}

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
