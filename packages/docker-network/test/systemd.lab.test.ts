import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePrefix } from '@flannel-ts/ip';
import { bootHost, createLab, run, type Host } from '@flannel-ts/lab';
import { expect, it } from 'vitest';
import { keepDockerNetwork, type DockerNetworkState } from '../src/index.ts';
import { createRecording } from './support/recording.ts';

const inPlace = ({ kind }: DockerNetworkState) => kind === 'in-place';
const unavailable = ({ kind }: DockerNetworkState) => kind === 'unavailable';

it('leaves a Docker stopped that systemd would start for a connection, and follows its next start', async () => {
  await using lab = await createLab();
  const host = await lab.addHost();
  const shared = join(host.directory, 'shared');
  await mkdir(shared);
  await using booted = await bootHost(host, shared);
  await booted.run('systemctl', 'start', 'docker');
  const recording = createRecording();
  const { promise: manyAttempts, resolve } = Promise.withResolvers<void>();
  let attempts = 0;
  const random = () => {
    if (++attempts === 50) resolve();
    return 0.001;
  };
  const socketPath = `/proc/${await systemdOf(host)}/root/run/docker.sock`;
  const desired = { name: 'flannel', subnet: parsePrefix('10.5.69.0/24'), mtu: 1450 };
  await using _keeper = keepDockerNetwork({ ...recording, random }, { socketPath, owner: 'test', desired });
  await recording.state(inPlace);
  await booted.run('systemctl', 'stop', 'docker');
  await recording.state(unavailable);
  await Promise.race([manyAttempts, recording.state(inPlace, recording.states.length)]);
  const state = (unit: string) =>
    booted.run('systemctl', 'show', '--value', '--property=ActiveState', unit).then((text) => text.trim());
  expect(await Promise.all(['docker.socket', 'docker.service'].map(state))).toEqual(['active', 'inactive']);
  const before = recording.states.length;
  await booted.run('systemctl', 'start', 'docker');
  await recording.state(inPlace, before);
});

/** The process id, on this machine, of the host's process 1. */
async function systemdOf(host: Host): Promise<string> {
  const pids = (await run(['ip', 'netns', 'pids', host.namespace])).trim().split('\n');
  const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')));
  return pids[names.indexOf('systemd\n')]!;
}
