import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createDockerClient, type Call } from '../src/docker-client.ts';
import { ENGINE, startFakeDocker } from './support/fake-docker.ts';

const version: Call = { what: 'tell its version', method: 'GET', path: '/version' };
const events: Call = { what: 'report events', method: 'GET', path: '/events' };

it('makes all calls over one connection, and gives a stream its own', async () => {
  await using docker = await startFakeDocker(ENGINE);
  using client = createDockerClient(docker.socketPath, new AbortController().signal);
  await client.call(version);
  await client.stream(events);
  await client.call(version);
  await client.call({ ...version, path: '/networks' });
  expect(docker.connections()).toBe(2);
});

it('connects again when a proxy has ended an idle connection', async () => {
  await using docker = await startFakeDocker(ENGINE);
  using client = createDockerClient(docker.socketPath, new AbortController().signal);
  const answer = await client.call(version);
  docker.hangUpIdle();
  // A call that meets the end of the connection fails; the next one does not.
  await expect.poll(() => client.call(version)).toEqual(answer);
  expect(docker.connections()).toBe(2);
});

it('does not connect again when a Docker of this host, known by its process id, has ended it', async () => {
  await using docker = await startFakeDocker(ENGINE);
  await writeFile(join(docker.directory, 'docker.pid'), '1');
  using client = createDockerClient(docker.socketPath, new AbortController().signal);
  await client.call(version);
  docker.hangUp();
  await expect(client.call(version)).rejects.toThrow('Docker is not running at');
  // The first call met the end of the connection; the next one knows of it.
  await expect(client.call(version)).rejects.toThrow('Docker is not running at');
  expect(docker.connections()).toBe(1);
});
