import { parsePrefix } from '@flannel-ts/ip';
import { afterEach, expect, it, vi } from 'vitest';
import { keepDockerNetwork, type DockerNetworkComponents, type DockerNetworkState } from '../src/index.ts';
import { ENGINE, startFakeDocker, type FakeDocker } from './support/fake-docker.ts';
import { createRecording } from './support/recording.ts';

const DESIRED = { name: 'flannel', subnet: parsePrefix('10.5.69.0/24'), mtu: 1450 };
const CREATE = 'POST /v1.51/networks/create';

afterEach(() => void vi.useRealTimers());

function keep({ socketPath }: FakeDocker, components: DockerNetworkComponents): AsyncDisposable {
  return keepDockerNetwork(
    { random: () => 0, ...components },
    { socketPath, owner: 'test', desired: DESIRED },
  );
}

it('a listener that throws is called again, and the network is kept', async () => {
  await using docker = await startFakeDocker(ENGINE);
  const states: DockerNetworkState[] = [];
  await using _keeper = keep(docker, {
    onState(state) {
      states.push(state);
      if (states.length < 3) throw new Error('the log is full');
    },
  });
  for (const call of [2, 3]) {
    await expect
      .poll(() => docker.calls.filter((made) => made === CREATE).length)
      .toBeGreaterThanOrEqual(call - 1);
    docker.report({ Type: 'network' });
    await expect.poll(() => states.length).toBe(call);
  }
  expect(states).toEqual(Array(3).fill({ kind: 'in-place' }));
});

it('a Docker that breaks off its answers is left with no stream of an earlier attempt', async () => {
  await using docker = await startFakeDocker({ ...ENGINE, 'GET /networks': { status: 0, body: '' } });
  let most = 0;
  await using _keeper = keep(docker, {});
  await expect
    .poll(() => {
      most = Math.max(most, docker.streams());
      return docker.calls.filter((call) => call.endsWith('/events')).length;
    })
    .toBeGreaterThan(10);
  expect(most).toBeLessThanOrEqual(2);
});

it.each(['/version', '/networks'])(
  'a Docker that hangs in %s is given up after 30 s, and delays no end',
  async (path) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await using docker = await startFakeDocker({ ...ENGINE, [`GET ${path}`]: { status: 'hang', body: '' } });
    const recording = createRecording();
    const asked = () => docker.calls.filter((call) => call.endsWith(path)).length;
    const keeper = keep(docker, recording);
    await expect.poll(asked).toBe(1);
    vi.advanceTimersByTime(30_000);
    const reason = `Docker does not answer within 30 s at ${docker.socketPath}`;
    expect(await recording.state(() => true)).toEqual({ kind: 'unavailable', reason });
    await expect.poll(asked).toBe(2);
    await keeper[Symbol.asyncDispose]();
    await expect.poll(docker.streams).toBe(0);
  },
);

it('a burst of events causes few compares', async () => {
  await using docker = await startFakeDocker(ENGINE);
  const recording = createRecording();
  await using _keeper = keep(docker, recording);
  await recording.state(({ kind }) => kind === 'in-place');
  const lists = () => docker.calls.filter((call) => call.endsWith('/networks')).length;
  const before = lists();
  const started = performance.now();
  for (let events = 0; events < 200; events++) {
    docker.report({ Type: 'container' });
    await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(lists).toBeGreaterThan(before);
  expect(lists() - before).toBeLessThanOrEqual(2 + (performance.now() - started) / 100);
});

it('a network that another program keeps removing is created more and more rarely, and that is reported once', async () => {
  // The fake never lists what was created, as if it was removed at once.
  await using docker = await startFakeDocker(ENGINE);
  const recording = createRecording();
  await using _keeper = keep(docker, { ...recording, random: () => 1 });
  const created = () => docker.calls.filter((call) => call === CREATE).length;
  const reporting = setInterval(() => docker.report({ Type: 'network' }), 20);
  const contest = await recording.state(({ kind }) => kind === 'failed');
  expect(contest).toHaveProperty(
    'reason',
    expect.stringMatching(/^another program keeps removing Docker’s network/),
  );
  const lists = () => docker.calls.filter((call) => call.endsWith('/networks')).length;
  const before = lists();
  await expect.poll(() => lists() - before, { timeout: 20_000 }).toBeGreaterThan(15);
  clearInterval(reporting);
  expect(created()).toBeLessThanOrEqual(8);
  expect(recording.states).toEqual([{ kind: 'in-place' }, contest]);
});
