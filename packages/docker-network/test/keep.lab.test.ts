import { join } from 'node:path';
import { parsePrefix } from '@flannel-ts/ip';
import { createLab, startDocker, type Docker, type Host, type Lab } from '@flannel-ts/lab';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  findDockerNetworks,
  keepDockerNetwork,
  type DesiredNetwork,
  type DockerNetworkState,
} from '../src/index.ts';
import { createRecording, type Recording } from './support/recording.ts';

const OWNER = '/coreos.com/network';
const desired = (subnet: string, mtu = 1450, name = 'flannel'): DesiredNetwork => ({
  name,
  subnet: parsePrefix(subnet),
  mtu,
});

const inPlace = ({ kind }: DockerNetworkState) => kind === 'in-place';
const failed = ({ kind }: DockerNetworkState) => kind === 'failed';

describe.each(['20.10', '28.5'] as const)('a Docker Engine %s', (engine) => {
  let lab: Lab;
  let host: Host;
  let docker: Docker;
  let socketPath: string;
  let keepers: AsyncDisposableStack;

  function keep(network: DesiredNetwork): Recording {
    const recording = createRecording();
    keepers.use(keepDockerNetwork(recording, { socketPath, owner: OWNER, desired: network }));
    return recording;
  }

  /** Ends what keeps a network, as a daemon that is restarted with another lease. */
  async function endKeepers(): Promise<void> {
    await keepers.disposeAsync();
    keepers = new AsyncDisposableStack();
  }

  const run = (name: string) =>
    docker.run('run', '--detach', '--network', 'flannel', '--name', name, docker.image, 'sleep', '3600');

  const network = async (format: string, name = 'flannel') =>
    (await docker.run('network', 'inspect', '--format', format, name)).trim();

  beforeAll(async () => {
    lab = await createLab();
    host = await lab.addHost();
    socketPath = join(host.directory, 'docker.sock');
    keepers = new AsyncDisposableStack();
  });
  afterEach(endKeepers);
  afterAll(async () => {
    await docker[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
  });

  it('gets the network when it starts after what keeps it', async () => {
    const recording = keep(desired('10.5.69.0/24'));
    const reason = `Docker is not running at ${socketPath}`;
    expect(await recording.state(() => true)).toEqual({ kind: 'unavailable', reason });
    docker = await startDocker(host, { engine, options: [], socket: socketPath });
    await recording.state(inPlace);
    expect(recording.changes).toEqual(['created flannel: 10.5.69.0/24, MTU 1450']);
    const [config] = JSON.parse(await network('{{json .IPAM.Config}}')) as Record<string, string>[];
    expect(config).toMatchObject({ Subnet: '10.5.69.0/24', Gateway: '10.5.69.1' });
    expect(JSON.parse(await network('{{json .Options}}'))).toEqual({
      'com.docker.network.driver.mtu': '1450',
      'com.docker.network.bridge.name': 'flannel-br',
      'com.docker.network.bridge.enable_ip_masquerade': 'false',
      ...(engine === '28.5' && { 'com.docker.network.bridge.gateway_mode_ipv4': 'nat-unprotected' }),
    });
    expect(await host.run('ip', '-brief', 'address', 'show', 'dev', 'flannel-br')).toContain('10.5.69.1/24');
  });

  it('is not changed when the network is as desired', async () => {
    const id = await network('{{.Id}}');
    const recording = keep(desired('10.5.69.0/24'));
    await recording.state(() => true);
    expect(recording.states).toEqual([{ kind: 'in-place' }]);
    expect(recording.changes).toEqual([]);
    expect(await network('{{.Id}}')).toBe(id);
  });

  it('gets the network again when someone removes it', async () => {
    const recording = keep(desired('10.5.69.0/24'));
    await recording.state(inPlace);
    await docker.run('network', 'rm', 'flannel');
    await expect
      .poll(() => recording.changes, { timeout: 20_000 })
      .toEqual(['created flannel: 10.5.69.0/24, MTU 1450']);
  });

  it('gets a network with the new subnet and MTU when nothing uses the old one', async () => {
    const recording = keep(desired('10.5.70.0/24', 1400));
    await recording.state(inPlace);
    expect(recording.changes).toEqual([
      'removed flannel: subnet 10.5.69.0/24 instead of 10.5.70.0/24, ' +
        'gateway 10.5.69.1 instead of 10.5.70.1, com.docker.network.driver.mtu 1450 instead of 1400',
      'created flannel: 10.5.70.0/24, MTU 1400',
    ]);
  });

  it('keeps a network that containers use, stopped ones too, until they are gone', async () => {
    await Promise.all(['web', 'idle'].map(run));
    await docker.run('stop', '--time', '0', 'idle');
    const recording = keep(desired('10.5.71.0/24'));
    const state = await recording.state(() => true);
    expect(state).toMatchObject({
      kind: 'failed',
      reason: expect.stringMatching(
        /^Docker’s network "flannel" must be recreated \(subnet 10\.5\.70\.0\/24 instead of .*containers use it: idle \(stopped\), web; remove them/,
      ) as string,
    });
    await docker.run('rm', '--force', 'web');
    await recording.state(({ kind, ...rest }) => kind === 'failed' && !JSON.stringify(rest).includes('web'));
    await docker.run('rm', 'idle');
    await recording.state(inPlace);
    expect(recording.changes.at(-1)).toBe('created flannel: 10.5.71.0/24, MTU 1450');
  });

  it('keeps the network over a restart, and is followed through it', async () => {
    const recording = keep(desired('10.5.71.0/24'));
    await recording.state(inPlace);
    const id = await network('{{.Id}}');
    await docker.restart();
    await expect
      .poll(() => recording.states.map(({ kind }) => kind), { timeout: 20_000 })
      .toEqual(['in-place', 'unavailable', 'in-place']);
    expect(recording.changes).toEqual([]);
    expect(await network('{{.Id}}')).toBe(id);
    await docker.run('network', 'rm', 'flannel');
    await expect
      .poll(() => recording.changes, { timeout: 20_000 })
      .toEqual(['created flannel: 10.5.71.0/24, MTU 1450']);
  });

  it('keeps a network of that name that another made, until it is gone', async () => {
    await docker.run('network', 'create', 'theirs');
    const id = await network('{{.Id}}', 'theirs');
    const recording = keep(desired('10.5.71.0/24', 1450, 'theirs'));
    expect(await recording.state(() => true)).toEqual({
      kind: 'failed',
      reason:
        'Docker has a network "theirs" that was not made here, so it is left alone: ' +
        'remove it (docker network rm theirs) or choose another name',
    });
    expect(await network('{{.Id}}', 'theirs')).toBe(id);
    expect(await network('{{.Name}}')).toBe('flannel');
    await docker.run('network', 'rm', 'theirs');
    await recording.state(inPlace);
    // What had the addresses under the former name went.
    expect(recording.changes[0]).toMatch(/^removed flannel: name flannel instead of theirs/);
    expect(await network('{{index .Options "com.docker.network.bridge.name"}}', 'theirs')).toBe('theirs-br');
  });

  it('is not asked to remove a network with addresses of the subnet, which is named until it is gone', async () => {
    await docker.run('network', 'create', '--subnet', '10.5.72.0/23', 'rival');
    const recording = keep(desired('10.5.73.0/24'));
    const { kind, ...rest } = await recording.state(failed);
    expect([kind, rest]).toEqual([
      'failed',
      {
        reason:
          'Docker’s network "rival" has 10.5.72.0/23, which overlaps 10.5.73.0/24 of this host: ' +
          'remove it (docker network rm rival)',
      },
    ]);
    await docker.run('network', 'rm', 'rival');
    await recording.state(inPlace);
  });

  it('lists the networks of an owner alone, with the containers that cannot do without, and removes them', async () => {
    const { signal } = new AbortController();
    const find = (owner: string) => findDockerNetworks({ socketPath, owner }, signal);
    await docker.run('create', '--network', 'flannel', '--name', 'new', docker.image, 'true');
    await run('old');
    await docker.run('stop', '--time', '0', 'old');
    expect(await find('/another')).toEqual([]);
    expect(await find(OWNER)).toMatchObject([{ name: 'flannel', usedBy: ['old (stopped)'] }]);
    await docker.run('rm', 'old');
    const [unused] = await find(OWNER);
    expect(unused).toMatchObject({ name: 'flannel', usedBy: [] });
    await unused!.remove();
    await expect(network('{{.Id}}')).rejects.toThrow('flannel');
  });
});
