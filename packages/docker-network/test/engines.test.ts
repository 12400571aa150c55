import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePrefix } from '@flannel-ts/ip';
import { describe, expect, it } from 'vitest';
import { keepDockerNetwork } from '../src/index.ts';
import { ENGINE, startFakeDocker, type Answers } from './support/fake-docker.ts';
import { createRecording } from './support/recording.ts';

const DESIRED = { name: 'flannel', subnet: parsePrefix('10.5.69.0/24'), mtu: 1450 };

/** The first state with an engine that answers so, and what the engine was asked. */
async function firstState(answers: Answers) {
  await using docker = await startFakeDocker(answers);
  const recording = createRecording();
  const { socketPath } = docker;
  await using _keeper = keepDockerNetwork(recording, { socketPath, owner: 'test', desired: DESIRED });
  return { state: await recording.state(() => true), calls: docker.calls };
}

/** What real engines do not do. */
describe('an engine that answers in another way', () => {
  it('is asked for the newest API that was tested, or for its own if that is older', async () => {
    const version = (ApiVersion: string, MinAPIVersion: string): Answers => ({
      ...ENGINE,
      'GET /version': { body: { Version: '99', ApiVersion, MinAPIVersion } },
    });
    expect((await firstState(version('1.99', '1.44'))).calls).toContain('GET /v1.51/networks');
    expect((await firstState(version('1.41', '1.12'))).calls).toContain('GET /v1.41/networks');
    expect((await firstState(version('1.99', '1.60'))).calls).toContain('GET /v1.60/networks');
  });

  it('fails with what to do when its API is too old', async () => {
    const { state } = await firstState({
      'GET /version': { body: { Version: '1.11.2', ApiVersion: '1.23' } },
    });
    expect(state).toEqual({
      kind: 'failed',
      reason: 'Docker’s API must be 1.24 or later, not 1.23; upgrade Docker 1.11.2',
    });
  });

  it.each<[string, Answers]>([
    ['a web server', { 'GET /version': { status: 404, body: '<html>Not found</html>' } }],
    ['JSON of something else', { 'GET /version': { body: { name: 'etcd' } } }],
    ['no JSON', { 'GET /version': { body: 'ok' } }],
    ['no list of networks', { ...ENGINE, 'GET /networks': { body: { networks: [] } } }],
    ['networks without names', { ...ENGINE, 'GET /networks': { body: [null, {}] } }],
  ])('fails when it is not Docker’s API but %s', async (_what, answers) => {
    const { state } = await firstState(answers);
    expect(state.kind).toBe('failed');
    expect(state).toHaveProperty('reason', expect.stringContaining('must be Docker’s API'));
  });

  it('reports Docker’s own words when it refuses', async () => {
    const { state } = await firstState({
      ...ENGINE,
      'POST /networks/create': { status: 500, body: { message: 'cannot create bridge: no space' } },
    });
    expect(state).toEqual({
      kind: 'failed',
      reason: 'Docker refused to create the network "flannel": cannot create bridge: no space (status 500)',
    });
  });

  it('is not asked for the network while there is an obstacle, and is when that has gone', async () => {
    await using docker = await startFakeDocker(ENGINE);
    const { socketPath, calls } = docker;
    let obstacle: string | undefined = 'a rule is missing';
    const recording = createRecording();
    await using _keeper = keepDockerNetwork(
      { ...recording, obstacle: () => obstacle, random: () => 0 },
      { socketPath, owner: 'test', desired: DESIRED },
    );
    expect(await recording.state(() => true)).toEqual({
      kind: 'failed',
      reason: 'Docker’s network "flannel" is not created: a rule is missing',
    });
    expect(calls).not.toContain('POST /v1.51/networks/create');
    obstacle = undefined;
    await recording.state(({ kind }) => kind === 'in-place');
    expect(recording.changes).toEqual(['created flannel: 10.5.69.0/24, MTU 1450']);
  });

  it('fails with what to do when the socket may not be used', async () => {
    await using docker = await startFakeDocker(ENGINE);
    const { directory, socketPath } = docker;
    await chmod(directory, 0o755);
    await chmod(socketPath, 0o600);
    const recording = createRecording();
    const root = process.geteuid!() === 0;
    if (root) process.seteuid!('nobody');
    else await chmod(socketPath, 0o000);
    try {
      await using _keeper = keepDockerNetwork(recording, { socketPath, owner: 'test', desired: DESIRED });
      expect(await recording.state(() => true)).toEqual({
        kind: 'failed',
        reason: `${socketPath} must be writable for this user; run as root or as a member of the group docker`,
      });
    } finally {
      if (root) process.seteuid!(0);
    }
  });

  it('is not connected to once it ends, since systemd would start it again for that', async () => {
    await using docker = await startFakeDocker(ENGINE);
    const { directory, socketPath } = docker;
    const pidFile = join(directory, 'docker.pid');
    await writeFile(pidFile, '1');
    const recording = createRecording();
    const { promise: manyAttempts, resolve } = Promise.withResolvers<void>();
    let attempts = 0;
    const random = () => {
      if (++attempts > 50) resolve();
      return 0;
    };
    const components = { ...recording, random };
    await using _keeper = keepDockerNetwork(components, { socketPath, owner: 'test', desired: DESIRED });
    await recording.state(({ kind }) => kind === 'in-place');
    docker.hangUp();
    await recording.state(({ kind }) => kind === 'unavailable');
    const connections = docker.connections();
    await rm(pidFile);
    const before = recording.states.length;
    await Promise.race([manyAttempts, recording.state(({ kind }) => kind === 'in-place', before)]);
    expect(docker.connections()).toBe(connections);
    await writeFile(pidFile, '1');
    await recording.state(({ kind }) => kind === 'in-place', before);
  });
});
