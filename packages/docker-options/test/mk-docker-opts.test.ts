import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
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

it('names the file’s line, or the environment, of every value that cannot be used', async () => {
  await writeFile(join(directory, 'subnet.env'), `${ENV.replace('IPMASQ=false', 'IPMASQ=maybe')}id\n`);
  const { code, text, complaints } = await run([], { FLANNEL_MTU: '9' });
  expect({ code, text }).toEqual({ code: 1, text: undefined });
  expect(complaints.trim().split('\n')).toEqual([
    expect.stringContaining(
      'subnet.env:5: a line must be made of NAME=value, not "id"; commands are not run',
    ),
    expect.stringContaining('subnet.env:4: FLANNEL_IPMASQ must be true or false, not "maybe"'),
  ]);
  await rm(join(directory, 'subnet.env'));
  expect((await run([], { FLANNEL_MTU: 'big', FLANNEL_SUBNET: 'x' })).complaints.trim().split('\n')).toEqual([
    expect.stringContaining('mk-docker-opts: environment: FLANNEL_SUBNET: "x" is not an IP'),
    'mk-docker-opts: environment: FLANNEL_MTU must be a number of bytes, not "big"',
  ]);
});

it('leaves an old output alone when a value cannot be used', async () => {
  await run([]);
  expect(await run([], { FLANNEL_SUBNET: 'x' })).toMatchObject({ code: 0, text: INDIVIDUAL + COMBINED });
  await writeFile(join(directory, 'subnet.env'), 'FLANNEL_SUBNET=x\n');
  expect(await run([])).toMatchObject({ code: 1, text: INDIVIDUAL + COMBINED });
});

it.each([
  ['/dev/stdout', { printed: INDIVIDUAL, complaints: '' }],
  ['/dev/stderr', { printed: '', complaints: INDIVIDUAL }],
])('writes to its own stream for -d %s', async (path, streams) => {
  expect(await run(['-i', '-d', path])).toEqual({ code: 0, text: undefined, ...streams });
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

it.each([
  [['-x'], 'unknown option -x; mk-docker-opts -h shows the options'],
  [['--bogus'], 'unknown option --'],
  [['-k'], '-k must have a value'],
  [['-k', 'A B'], '-k "A B" is no name of a variable'],
  [['-k', ''], '-k "" is no name of a variable'],
])('refuses %j and writes nothing', async (args, message) => {
  const { code, text, complaints } = await run(args);
  expect({ code, text }).toEqual({ code: 1, text: undefined });
  expect(complaints).toContain(`mk-docker-opts: ${message}`);
});

it('makes the directory of its output', async () => {
  const path = join(directory, 'a', 'b', 'docker.env');
  expect((await run(['-i', '-d', path])).code).toBe(0);
  expect(await readFile(path, 'utf8')).toBe(INDIVIDUAL);
});

it('fails when its output cannot be written', async () => {
  await expect(run(['-d', join(directory, 'subnet.env', 'docker.env')])).rejects.toThrow(/ENOTDIR|EEXIST/);
});

it('is a program with exit codes', async () => {
  const main = join(import.meta.dirname, '..', 'src', 'main.ts');
  const output = join(directory, 'docker.env');
  const command = (...args: string[]) =>
    spawnSync(process.execPath, ['--conditions=@flannel-ts/source', main, ...args], {
      encoding: 'utf8',
      env: { ...process.env, DOCKER_OPTS: '--debug' },
    });
  const { status, stderr } = command('-c', '-f', join(directory, 'subnet.env'), '-d', output);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(await readFile(output, 'utf8')).toBe(COMBINED.replace('" --bip', '"--debug  --bip'));
  const failed = command('-f', directory);
  expect(failed.status).toBe(1);
  expect(failed.stderr).toContain(`mk-docker-opts: ${directory} cannot be read: EISDIR`);
});

it.each(['-h', '-?'])(
  'explains itself on standard error for %s, with exit code 1 as upstream',
  async (option) => {
    const { code, text, complaints, printed } = await run([option]);
    expect({ code, text, printed }).toEqual({ code: 1, text: undefined, printed: '' });
    expect(complaints).toContain('/run/flannel/subnet.env');
  },
);
