import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Condition } from '../src/conditions.ts';
import { createServiceManager } from '../src/service-manager.ts';

/** systemd's end of the notification socket, which Node cannot open: datagrams, one in a line. */
const LISTEN = `
import socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1])
print('bound', flush=True)
while True: print(server.recv(65536).decode(), flush=True)
`;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'notify-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function listen() {
  const socket = join(directory, 'notify');
  const child = spawn('python3', ['-c', LISTEN, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  await expect.poll(() => lines).toContain('bound');
  return {
    socket,
    messages: () => lines.slice(1),
    async [Symbol.asyncDispose]() {
      child.kill();
      await once(child, 'close');
    },
  };
}

const condition = (part: Condition['part'], state: Condition['state'], reason: string): Condition => ({
  ...{ part, state, reason },
  since: new Date(0),
});

it('reports what is awaited, that the daemon is ready, what is wrong, and its end', async () => {
  await using systemd = await listen();
  using manager = createServiceManager({ NOTIFY_SOCKET: systemd.socket });
  manager.show([
    condition('registry', 'failing', 'etcd is\nunavailable'),
    condition('peers', 'degraded', 'one is skipped'),
  ]);
  manager.ready();
  manager.show([condition('registry', 'ok', ''), condition('peers', 'degraded', 'one is skipped')]);
  manager.stopping();
  await expect
    .poll(systemd.messages)
    .toEqual([
      'STATUS=waiting: etcd is unavailable',
      'READY=1',
      'STATUS=peers degraded: one is skipped',
      'STOPPING=1',
    ]);
});

it('sends a sign of life twice as often as the watchdog asks for one', async () => {
  await using systemd = await listen();
  using _manager = createServiceManager({ NOTIFY_SOCKET: systemd.socket, WATCHDOG_USEC: '20000' });
  await expect.poll(() => systemd.messages().length).toBeGreaterThan(3);
  expect(new Set(systemd.messages())).toEqual(new Set(['WATCHDOG=1']));
});

it('does without a service manager, and one that is gone', () => {
  for (const environment of [{}, { NOTIFY_SOCKET: join(directory, 'nothing') }]) {
    using manager = createServiceManager(environment);
    manager.ready();
    manager.stopping();
  }
});
