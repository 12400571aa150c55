import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createFirewall, FirewallToolError, type FirewallEvent, type RunCommand } from '../src/index.ts';
import { runCommand } from '../src/run-command.ts';
import { createRunProgram } from '../src/tool.ts';
import { createMemoryIptables } from './support/memory-iptables.ts';
import { desiredRules } from './support/rules.ts';

const RESYNC_MS = 1_000;

afterEach(() => void vi.useRealTimers());

function createRecorded(run: RunCommand, onEvent: (event: FirewallEvent) => void = () => undefined) {
  vi.useFakeTimers();
  const events: FirewallEvent[] = [];
  const firewall = createFirewall(
    {
      run,
      onEvent(event) {
        events.push(event);
        onEvent(event);
      },
    },
    { tool: 'iptables', resyncMs: RESYNC_MS },
  );
  return { firewall, events };
}

describe('an exception in a compare', () => {
  it.each([
    ['an error', new Error('out of memory'), 'out of memory'],
    ['no error', 'a string', 'a string'],
  ])('is an obstacle, and the compares go on: %s', async (_, thrown, message) => {
    const iptables = createMemoryIptables();
    let fails = false;
    const { firewall, events } = createRecorded((command, options) => {
      if (fails) throw thrown as Error;
      return iptables.run(command, options);
    });
    await using _firewall = firewall;
    await firewall.apply(desiredRules(1));
    fails = true;
    await vi.advanceTimersByTimeAsync(5 * RESYNC_MS);
    expect(events).toMatchObject([{ kind: 'obstacles', obstacles: [{ message }] }]);
    fails = false;
    await vi.advanceTimersByTimeAsync(RESYNC_MS);
    expect(events.slice(1)).toEqual([{ kind: 'obstacles', obstacles: [] }]);
  });

  it('of the listener is an obstacle of the next, and drift is repaired as before', async () => {
    const iptables = createMemoryIptables();
    const { firewall, events } = createRecorded(iptables.run, ({ kind }) => {
      if (kind === 'repaired') throw new Error('the log is full');
    });
    await using _firewall = firewall;
    await firewall.apply(desiredRules(1));
    const filter = iptables.tables.get('filter')!;
    for (let times = 0; times < 2; times++) {
      filter.chains.set('FLANNEL-FWD', []);
      await vi.advanceTimersByTimeAsync(3 * RESYNC_MS);
      expect(filter.chains.get('FLANNEL-FWD')).toHaveLength(2);
    }
    const once = [
      { kind: 'repaired' },
      { kind: 'obstacles', obstacles: [{ message: 'the log is full' }] },
      { kind: 'obstacles', obstacles: [] },
    ];
    expect(events).toMatchObject([...once, ...once]);
  });

  it('of the listener of obstacles neither rejects nor ends the compares', async () => {
    let attempts = 0;
    const { firewall, events } = createRecorded(
      () => {
        attempts++;
        return Promise.reject(new Error('refused'));
      },
      () => {
        throw new Error('the log is full');
      },
    );
    await using _firewall = firewall;
    await firewall.apply(desiredRules(1));
    const before = attempts;
    await vi.advanceTimersByTimeAsync(3 * RESYNC_MS);
    expect(attempts).toBeGreaterThan(before + 2);
    expect(events.length).toBeGreaterThan(2);
  });
});

describe('a tool that hangs', () => {
  /** A seam that does not even heed its signal. */
  const hang: RunCommand = () => new Promise(() => undefined);

  it('is given up after half a minute, is an obstacle, and is tried again', async () => {
    const iptables = createMemoryIptables();
    let hangs = true;
    const { firewall, events } = createRecorded((command, options) =>
      (hangs ? hang : iptables.run)(command, options),
    );
    await using _firewall = firewall;
    const applied = firewall.apply(desiredRules(1));
    // One program of each family.
    await vi.advanceTimersByTimeAsync(60_000);
    await applied;
    expect(events).toMatchObject([
      { kind: 'obstacles', obstacles: [{ problem: 'stuck' }, { problem: 'stuck' }] },
    ]);
    hangs = false;
    await vi.advanceTimersByTimeAsync(RESYNC_MS);
    expect(events.slice(1)).toMatchObject([{ kind: 'obstacles', obstacles: [] }, { kind: 'repaired' }]);
  });

  it('does not delay the end', async () => {
    const { firewall, events } = createRecorded(hang);
    const applied = firewall.apply(desiredRules(1));
    await firewall[Symbol.asyncDispose]();
    await applied;
    expect(events).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is killed, although it ignores the request to end', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'firewall-'));
    const file = join(directory, 'pid');
    const { signal } = new AbortController();
    const script = `trap '' TERM; echo $$ > ${file}; while :; do sleep 0.1; done`;
    const running = createRunProgram(runCommand, signal, 1_000)(['sh', '-c', script]);
    const error: unknown = await running.catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(FirewallToolError);
    expect(error).toMatchObject({ program: 'sh', problem: 'stuck' });
    const pid = Number(await readFile(file, 'utf8'));
    await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);
    await rm(directory, { recursive: true });
  });
});

it('after disposal, apply does nothing, remove rejects, and no compare is due', async () => {
  const iptables = createMemoryIptables();
  const { firewall, events } = createRecorded(iptables.run);
  await firewall.apply(desiredRules(1));
  const { length } = iptables.restored;
  await firewall[Symbol.asyncDispose]();
  await firewall.apply(desiredRules(2));
  await expect(firewall.remove()).rejects.toThrow('aborted');
  expect(iptables.restored.length).toBe(length);
  expect(events).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it('a command rejects in a process that has no file descriptor left', async () => {
  const node = [process.execPath, join(import.meta.dirname, 'support/exhausted.ts')];
  const { stdout } = await promisify(execFile)('sh', ['-c', 'ulimit -n 40; exec "$@"', 'sh', ...node]);
  expect(stdout).toBe('EMFILE\n');
});
