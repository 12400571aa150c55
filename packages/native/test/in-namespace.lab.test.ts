import { createNamespace, type Namespace } from '@flannel-ts/lab';
import { readlinkSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { inNamespace } from '../src/index.ts';

const here = () => readlinkSync('/proc/thread-self/ns/net');
const home = here();

let namespace: Namespace;
let there: string;
beforeEach(async () => {
  namespace = await createNamespace(`ftlab-${process.pid}-setns`);
  there = (await namespace.run('readlink', '/proc/self/ns/net')).trim();
});
afterEach(async () => {
  expect(here()).toBe(home);
  await namespace[Symbol.asyncDispose]();
});

it('runs a function in a namespace and passes on what it returns', () => {
  expect(inNamespace(namespace.path, here)).toBe(there);
  expect(there).not.toBe(home);
});

it('comes back when the function throws, and passes on the error', () => {
  const error = new Error('no');
  expect(() =>
    inNamespace(namespace.path, () => {
      throw error;
    }),
  ).toThrow(error);
});

it('nests', () => {
  const back = `/proc/${process.ppid}/ns/net`;
  const places = inNamespace(namespace.path, () => [here(), inNamespace(back, here), here()]);
  expect(places).toEqual([there, home, there]);
});

it('refuses an asynchronous function', () => {
  expect(() => inNamespace(namespace.path, async () => undefined)).toThrow(TypeError);
});

it('says why it cannot enter', () => {
  expect(() => inNamespace('/run/netns/none-of-this-name', here)).toThrow(
    expect.objectContaining({ code: 'ENOENT', syscall: 'open /run/netns/none-of-this-name' }),
  );
  expect(() => inNamespace('/proc/self/ns/uts', here)).toThrow(
    expect.objectContaining({ code: 'EINVAL', syscall: 'setns /proc/self/ns/uts' }),
  );
});
