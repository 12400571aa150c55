import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mkDockerOpts } from '../src/mk-docker-opts.ts';

const ENV =
  'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.69.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=false\n';
const INDIVIDUAL =
  'DOCKER_OPT_BIP="--bip=10.5.69.1/24"\nDOCKER_OPT_IPMASQ="--ip-masq=true"\nDOCKER_OPT_MTU="--mtu=1450"\n';
const COMBINED = 'DOCKER_OPTS=" --bip=10.5.69.1/24 --ip-masq=true --mtu=1450"\n';
const HEADER = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mk-docker-opts-'));
  await writeFile(join(directory, 'routes'), `${HEADER}eth0\t004D A8C0\n`);
  await writeFile(join(directory, 'subnet.env'), ENV);
});
afterEach(() => rm(directory, { recursive: true }));

/** Runs the command on the files of this test and returns what it did. */
async function run(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const output = join(directory, 'docker.env');
  let complaints = '';
  let printed = '';
  const code = await mkDockerOpts({
    args: ['-f', join(directory, 'subnet.env'), '-d', output, ...args],
    environment,
    print: (text) => (printed += text),
    complain: (text) => (complaints += text),
    routeFile: join(directory, 'routes'),
  });
  const text = await readFile(output, 'utf8').catch(() => undefined);
  return { code, text, complaints, printed };
}

it.each([
  [[], INDIVIDUAL + COMBINED],
  [['-i'], INDIVIDUAL],
  [['-c'], COMBINED],
  [['-i', '-c'], INDIVIDUAL + COMBINED],
  [['--i=true'], INDIVIDUAL],
  [['-c', '-k', 'DOCKER_NETWORK_OPTIONS'], COMBINED.replace('DOCKER_OPTS', 'DOCKER_NETWORK_OPTIONS')],
  [['-c', '-k=X'], COMBINED.replace('DOCKER_OPTS', 'X')],
  [['-i', '-m'], 'DOCKER_OPT_BIP="--bip=10.5.69.1/24"\nDOCKER_OPT_MTU="--mtu=1450"\n'],
  [['-c', '-m'], 'DOCKER_OPTS=" --bip=10.5.69.1/24 --mtu=1450"\n'],
])('%j', async (args, text) => {
  expect(await run(args)).toEqual({ code: 0, text, complaints: '', printed: '' });
});

it('puts options that are there already in front, and two spaces', async () => {
  const { text } = await run(['-c'], { DOCKER_OPTS: '--debug' });
  expect(text).toBe('DOCKER_OPTS="--debug  --bip=10.5.69.1/24 --ip-masq=true --mtu=1450"\n');
});

it('inverts FLANNEL_IPMASQ', async () => {
  await writeFile(join(directory, 'subnet.env'), ENV.replace('IPMASQ=false', 'IPMASQ=true'));
  expect((await run(['-i'])).text).toContain('DOCKER_OPT_IPMASQ="--ip-masq=false"');
});

it('writes empty options when the env file is missing', async () => {
  await rm(join(directory, 'subnet.env'));
  expect(await run([])).toMatchObject({ code: 0, text: 'DOCKER_OPTS=""\n' });
});

it('fails on a bad FLANNEL_IPMASQ', async () => {
  await writeFile(join(directory, 'subnet.env'), ENV.replace('IPMASQ=false', 'IPMASQ=maybe'));
  const { code, complaints } = await run([]);
  expect(code).toBe(1);
  expect(complaints).toContain('subnet.env:4: FLANNEL_IPMASQ must be true or false, not "maybe"');
});

it('fails after writing when a gateway route leads to the subnet', async () => {
  await writeFile(
    join(directory, 'routes'),
    `${HEADER}eth0\t0045050A\t0102A8C0\t0003\t0\t0\t0\t00FFFFFF\t0\t0\t0\n`,
  );
  const { code, text, complaints } = await run(['-i']);
  expect({ code, text }).toEqual({ code: 1, text: INDIVIDUAL });
  expect(complaints).toContain('10.5.69.0/24 through a gateway');
});

it('accepts a connected route to the subnet, as docker0 has', async () => {
  await writeFile(
    join(directory, 'routes'),
    `${HEADER}docker0\t0045050A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n`,
  );
  expect((await run([])).code).toBe(0);
});

it('refuses what it does not know', async () => {
  const { code, complaints } = await run(['--bogus']);
  expect(code).toBe(2);
  expect(complaints).toContain('Unknown argument: bogus');
});

it('explains itself', async () => {
  const { code, printed } = await run(['-h']);
  expect(code).toBe(0);
  expect(printed).toContain('/run/flannel/subnet.env');
});
