import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { notifySystemd } from '../src/index.ts';

/** Plays systemd, since Node has no UNIX datagram sockets: says that it listens, then prints one datagram. */
const receiver = `
import socket, sys
service = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
service.bind(sys.argv[1].replace("@", chr(0), 1))
print("listening", flush=True)
print(service.recv(4096).decode(), end="", flush=True)`;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'notify-'));
});
afterEach(() => rm(directory, { recursive: true }));

it.each([
  ['a path', () => join(directory, 'notify')],
  ['an abstract address', () => `@${directory}`],
])('reaches a socket of %s', async (_, address) => {
  const child = spawn('python3', ['-c', receiver, address()], { stdio: ['ignore', 'pipe', 'inherit'] });
  const output: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
  await once(child.stdout, 'data');
  notifySystemd(address(), 'READY=1\nSTATUS=10 peers');
  await once(child, 'close');
  expect(output.join('')).toBe('listening\nREADY=1\nSTATUS=10 peers');
});

it.each([
  ['nobody listens', () => join(directory, 'none'), 'ENOENT'],
  ['the address is too long', () => `/${'x'.repeat(200)}`, 'EINVAL'],
  ['there is no address', () => '', 'EINVAL'],
])('fails when %s', (_, address, code) => {
  expect(() => notifySystemd(address(), 'READY=1')).toThrow(expect.objectContaining({ code }));
});
