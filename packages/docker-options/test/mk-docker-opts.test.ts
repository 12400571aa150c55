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

it.each([
  [[], INDIVIDUAL + COMBINED],
  [['-i'], INDIVIDUAL],
  [['-c'], COMBINED],
  [['-i', '-c'], INDIVIDUAL + COMBINED],
  [['-ic'], INDIVIDUAL + COMBINED],
  [['-c', '-k', 'DOCKER_NETWORK_OPTIONS'], COMBINED.replace('DOCKER_OPTS', 'DOCKER_NETWORK_OPTIONS')],
  [['-k', 'X'], INDIVIDUAL + COMBINED.replace('DOCKER_OPTS', 'X')],
  [['-ckX'], COMBINED.replace('DOCKER_OPTS', 'X')],
  [['-c', '-k', 'Y', '-k', 'X'], COMBINED.replace('DOCKER_OPTS', 'X')],
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

it.each([
  [['-x'], "Unknown option '-x'"],
  [['--bogus'], "Unknown option '--bogus'"],
  [['-k'], "Option '-k, --k <value>' argument missing"],
  [['somewhere'], "Unexpected argument 'somewhere'"],
  [['-k', 'A B'], '-k "A B" is no name of a variable'],
  [['-k', ''], '-k "" is no name of a variable'],
  [['-k', 'X=1'], '-k "X=1" is no name of a variable'],
])('refuses %j and writes nothing', async (args, message) => {
  const { code, text, complaints } = await run(args);
  expect({ code, text }).toEqual({ code: 1, text: undefined });
  expect(complaints).toContain(`mk-docker-opts: ${message}`);
});

it('looks at the combined key’s own variable in the environment, not at DOCKER_OPTS', async () => {
  const { text } = await run(['-c', '-k', 'X'], { DOCKER_OPTS: '--debug', X: '-D' });
  expect(text).toBe('X="-D  --bip=10.5.69.1/24 --ip-masq=true --mtu=1450"\n');
});

it('reads quoted values of other writers', async () => {
  await writeFile(join(directory, 'subnet.env'), ENV.replaceAll(/=(.*)/g, '="$1"'));
  expect(await run([])).toEqual({ code: 0, text: INDIVIDUAL + COMBINED, complaints: '', printed: '' });
});

it('makes the directory of its output', async () => {
  const path = join(directory, 'a', 'b', 'docker.env');
  expect((await run(['-i', '-d', path])).code).toBe(0);
  expect(await readFile(path, 'utf8')).toBe(INDIVIDUAL);
});

it('fails when its output cannot be written', async () => {
  await expect(run(['-d', join(directory, 'subnet.env', 'docker.env')])).rejects.toThrow(/ENOTDIR|EEXIST/);
});

it('does not look at FLANNEL_IPMASQ with -m, nor at an empty one', async () => {
  await writeFile(join(directory, 'subnet.env'), ENV.replace('IPMASQ=false', 'IPMASQ=maybe'));
  expect((await run(['-m'])).code).toBe(0);
  await writeFile(join(directory, 'subnet.env'), ENV.replace('IPMASQ=false', 'IPMASQ='));
  expect(await run(['-c'])).toMatchObject({
    code: 0,
    text: 'DOCKER_OPTS=" --bip=10.5.69.1/24 --mtu=1450"\n',
  });
});

it('leaves a bad line out, says so, and goes on', async () => {
  await writeFile(join(directory, 'subnet.env'), ENV.replace('MTU=1450', 'MTU=big'));
  const { code, text, complaints } = await run(['-c']);
  expect({ code, text }).toEqual({ code: 0, text: COMBINED.replace(' --mtu=1450', '') });
  expect(complaints).toContain('subnet.env:3: FLANNEL_MTU must be a number of bytes, not "big"');
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
  expect(failed.stderr).toContain('mk-docker-opts: EISDIR');
});

it('explains itself', async () => {
  const { code, printed } = await run(['-h']);
  expect(code).toBe(0);
  expect(printed).toContain('/run/flannel/subnet.env');
});
