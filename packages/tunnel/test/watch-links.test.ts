import type { NetlinkPort, SystemError } from '@flannel-ts/native';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchLinks } from '../src/fast-path/watch-links.ts';

const rejections: unknown[] = [];
const remember = (reason: unknown) => void rejections.push(reason);
beforeEach(() => void process.on('unhandledRejection', remember));
afterEach(() => {
  process.off('unhandledRejection', remember);
  expect(rejections.splice(0)).toEqual([]);
});

/** Sockets that hear nothing until the test makes them fail. */
function createPorts() {
  const errors = new Set<(error: SystemError) => void>();
  const openPort = (): NetlinkPort => ({
    send: () => undefined,
    listen: (_, onError) => void errors.add(onError),
    close: () => undefined,
    [Symbol.dispose]: () => undefined,
  });
  const fail = (code: string) => {
    for (const onError of errors)
      onError(Object.assign(new Error(code), { code, errno: 1, syscall: 'recv' }));
  };
  return { openPort, fail };
}

it.each([
  ['breaks', 'EIO', 'interfaces can no longer be watched: EIO'],
  ['misses reports', 'ENOBUFS', 'the kernel dropped reports of deleted interfaces'],
])('a watch that %s is reported once, and nothing is rejected', async (_, code, message) => {
  const { openPort, fail } = createPorts();
  const onLost = vi.fn<(error: Error) => void>();
  using _watch = watchLinks([7], { onLost, onDown: () => undefined, openPort });
  fail(code);
  await vi.waitFor(() => expect(onLost).toHaveBeenCalledOnce());
  expect(onLost.mock.calls[0]![0].message).toBe(message);
});

it('a watch that is stopped reports nothing', async () => {
  const { openPort, fail } = createPorts();
  const onLost = vi.fn<(error: Error) => void>();
  const watch = watchLinks([7], { onLost, onDown: () => undefined, openPort });
  watch[Symbol.dispose]();
  fail('EIO');
  await new Promise(setImmediate);
  expect(onLost).not.toHaveBeenCalled();
});
