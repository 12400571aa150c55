import { spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePrefix } from '@flannel-ts/ip';
import { bootHost, createLab, type BootedHost } from '@flannel-ts/lab';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { keepDockerNetwork, type DockerNetworkComponents, type DockerNetworkState } from '../src/index.ts';
import { createRecording } from './support/recording.ts';

const inPlace = ({ kind }: DockerNetworkState) => kind === 'in-place';
const unavailable = ({ kind }: DockerNetworkState) => kind === 'unavailable';

let booted: BootedHost;
let stack: AsyncDisposableStack;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  const host = await stack.use(await createLab()).addHost();
  const shared = join(host.directory, 'shared');
  await mkdir(shared);
  booted = stack.use(await bootHost(host, shared));
  await booted.run('systemctl', 'start', 'docker');
});
afterEach(() => stack.disposeAsync());

it('leaves a Docker stopped that systemd would start for a connection, and follows its next start', async () => {
  const recording = createRecording();
  const { promise: manyAttempts, resolve } = Promise.withResolvers<void>();
  let attempts = 0;
  const random = () => {
    if (++attempts === 50) resolve();
    return 0.001;
  };
  await using _keeper = keep({ ...recording, random });
  await recording.state(inPlace);
  await booted.run('systemctl', 'stop', 'docker');
  await recording.state(unavailable);
  await Promise.race([manyAttempts, recording.state(inPlace, recording.states.length)]);
  expect(await unitStates()).toEqual(['active', 'inactive']);
  const before = recording.states.length;
  await booted.run('systemctl', 'start', 'docker');
  await recording.state(inPlace, before);
});

it('starts no Docker that it does not yet know to be stopped', async () => {
  const recording = createRecording();
  await using _keeper = keep(recording);
  await recording.state(inPlace);
  // While this waits, no report is read: the new network is seen before the end of Docker.
  const stopped = spawnSync(
    'nsenter',
    [
      ...[`--target=${booted.pid}`, '--all', '--root', '--wd'],
      ...['sh', '-ec', 'docker network create other; systemctl stop docker'],
    ],
    { encoding: 'utf8' },
  );
  expect(stopped).toMatchObject({ status: 0 });
  await recording.state(unavailable);
  expect(await unitStates()).toEqual(['active', 'inactive']);
});

function keep(components: DockerNetworkComponents): AsyncDisposable {
  const socketPath = `/proc/${booted.pid}/root/run/docker.sock`;
  const desired = { name: 'flannel', subnet: parsePrefix('10.5.69.0/24'), mtu: 1450 };
  return keepDockerNetwork(components, { socketPath, owner: 'test', desired });
}

/** Of Docker's socket and service. */
function unitStates(): Promise<string[]> {
  return Promise.all(
    ['docker.socket', 'docker.service'].map(async (unit) =>
      (await booted.run('systemctl', 'show', '--value', '--property=ActiveState', unit)).trim(),
    ),
  );
}
