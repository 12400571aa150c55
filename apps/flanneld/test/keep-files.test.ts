import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createConditions } from '../src/conditions.ts';
import { keepFiles, type DesiredFile } from '../src/keep-files.ts';

const log = pino({ level: 'silent' });
let directory: string;
let stop: AbortController;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'files-'));
  stop = new AbortController();
});
afterEach(() => rm(directory, { recursive: true }));

function keep(files: readonly DesiredFile[]) {
  const conditions = createConditions({ log });
  const written = Promise.withResolvers<undefined>();
  const onWritten = () => written.resolve(undefined);
  const options = { onWritten, signal: stop.signal, compareMs: 5 };
  const done = keepFiles(files, { conditions, log }, options);
  const condition = () =>
    conditions
      .list()
      .map(({ state, reason }) => `${state}: ${reason}`)
      .join();
  return { written: written.promise, done, condition };
}

function file(path: string, text: string): DesiredFile {
  return { path, text, write: () => writeFile(path, text) };
}

it('writes a file again that was deleted, and one that was changed', async () => {
  const [one, other] = [join(directory, 'one'), join(directory, 'other')];
  const { written, done } = keep([file(one, '1\n'), file(other, '2\n')]);
  await written;
  await rm(one);
  await writeFile(other, 'FLANNEL_MTU=9000\n');
  await vi.waitFor(async () => expect(await readFile(one, 'utf8')).toBe('1\n'));
  await vi.waitFor(async () => expect(await readFile(other, 'utf8')).toBe('2\n'));
  stop.abort();
  await done;
});

it('reports a file that cannot be written, and is done when it can be', async () => {
  const path = join(directory, 'run', 'subnet.env');
  const { written, done, condition } = keep([file(path, 'text')]);
  await vi.waitFor(() =>
    expect(condition()).toMatch(/^failing: \S+subnet.env cannot be written: ENOENT.*; make it writable/),
  );
  await mkdir(join(directory, 'run'));
  await written;
  expect(await readFile(path, 'utf8')).toBe('text');
  expect(condition()).toBe('ok: ');
  stop.abort();
  await done;
});

it('writes once to a device, which has no text to compare', async () => {
  const write = vi.fn(() => Promise.resolve());
  const other = join(directory, 'other');
  const { written, done } = keep([{ path: '/dev/null', text: 'text', write }, file(other, '2')]);
  await written;
  await rm(other);
  await vi.waitFor(async () => expect(await readFile(other, 'utf8')).toBe('2'));
  expect(write).toHaveBeenCalledTimes(1);
  stop.abort();
  await done;
});

it('reports a directory that has taken the place of a file', async () => {
  const path = join(directory, 'subnet.env');
  const { written, done, condition } = keep([file(path, 'text')]);
  await written;
  await rm(path);
  await mkdir(path);
  await vi.waitFor(() => expect(condition()).toMatch(/^failing: .*EISDIR/));
  stop.abort();
  await done;
});
