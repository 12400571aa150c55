// What upstream's dist/mk-docker-opts.sh (v0.28) writes, run by dash, for the same arguments, environment and file.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mkDockerOpts } from '../src/mk-docker-opts.ts';

const SUBNET = 'FLANNEL_SUBNET=10.5.69.1/24\n';
const MTU = 'FLANNEL_MTU=1450\n';
const IPMASQ = 'FLANNEL_IPMASQ=false\n';
const FILE = `FLANNEL_NETWORK=10.5.0.0/16\n${SUBNET}${MTU}${IPMASQ}`;
const BIP_LINE = 'DOCKER_OPT_BIP="--bip=10.5.69.1/24"\n';
const IPMASQ_LINE = 'DOCKER_OPT_IPMASQ="--ip-masq=true"\n';
const MTU_LINE = 'DOCKER_OPT_MTU="--mtu=1450"\n';
const OPTIONS = ' --bip=10.5.69.1/24 --ip-masq=true --mtu=1450';
const COMBINED = `DOCKER_OPTS="${OPTIONS}"\n`;
const BOTH = BIP_LINE + IPMASQ_LINE + MTU_LINE + COMBINED;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'upstream-cases-'));
  await writeFile(join(directory, 'routes'), 'Iface\n');
});
afterEach(() => rm(directory, { recursive: true }));

interface Case {
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** `null` for a missing one. */
  readonly file?: string | null;
}

async function run({ args = [], environment = {}, file = FILE }: Case) {
  const input = join(directory, 'subnet.env');
  const output = join(directory, 'docker.env');
  if (file !== null) await writeFile(input, file);
  let printed = '';
  const code = await mkDockerOpts({
    args: ['-f', input, '-d', output, ...args],
    environment,
    print: (text) => (printed += text),
    complain: () => undefined,
    routeFile: join(directory, 'routes'),
  });
  expect(printed).toBe('');
  return [code, await readFile(output, 'utf8').catch(() => undefined)];
}

describe('writes what upstream’s script writes', () => {
  it.each<[string, Case, string]>([
    ['nothing but the file', {}, BOTH],
    ['-i', { args: ['-i'] }, BIP_LINE + IPMASQ_LINE + MTU_LINE],
    ['-c', { args: ['-c'] }, COMBINED],
    ['-ic', { args: ['-ic'] }, BOTH],
    ['-k KEY', { args: ['-k', 'KEY'] }, BOTH.replace('DOCKER_OPTS', 'KEY')],
    ['-ckKEY', { args: ['-ckKEY'] }, `KEY="${OPTIONS}"\n`],
    ['-i -k KEY', { args: ['-i', '-k', 'KEY'] }, BIP_LINE + IPMASQ_LINE + MTU_LINE],
    ['the last of two -k', { args: ['-ck', 'X', '-k', 'KEY'] }, `KEY="${OPTIONS}"\n`],
    ['-im', { args: ['-im'] }, BIP_LINE + MTU_LINE],
    ['-m', { args: ['-m'] }, `${BIP_LINE}${MTU_LINE}DOCKER_OPTS=" --bip=10.5.69.1/24 --mtu=1450"\n`],
    ['options after an operand', { args: ['-c', 'operand', '-i'] }, COMBINED],
    ['options after --', { args: ['-c', '--', '-i'] }, COMBINED],
    ['options after -', { args: ['-c', '-', '-x'] }, COMBINED],
    ['an operand alone', { args: ['operand'] }, BOTH],
    [
      'FLANNEL_IPMASQ=true',
      { file: 'FLANNEL_IPMASQ=true\n', args: ['-i'] },
      IPMASQ_LINE.replace('true', 'false'),
    ],
    ['FLANNEL_IPMASQ=', { file: `${SUBNET}FLANNEL_IPMASQ=\n`, args: ['-i'] }, BIP_LINE],
    ['a bad FLANNEL_IPMASQ with -m', { file: `${MTU}FLANNEL_IPMASQ=maybe\n`, args: ['-im'] }, MTU_LINE],
    ['no MTU', { file: SUBNET + IPMASQ, args: ['-i'] }, BIP_LINE + IPMASQ_LINE],
    ['an empty MTU at last', { file: `${MTU}FLANNEL_MTU=\n` }, 'DOCKER_OPTS=""\n'],
    ['no file', { file: null }, 'DOCKER_OPTS=""\n'],
    ['no file, -i', { file: null, args: ['-i'] }, ''],
    ['an empty file', { file: '' }, 'DOCKER_OPTS=""\n'],
  ])('%s', async (_, input, text) => {
    expect(await run(input)).toEqual([0, text]);
  });

  it.each<[string, Case, string]>([
    [
      'the subnet',
      { file: null, environment: { FLANNEL_SUBNET: '10.6.1.1/24' }, args: ['-i'] },
      'DOCKER_OPT_BIP="--bip=10.6.1.1/24"\n',
    ],
    ['the subnet, where the file has another', { environment: { FLANNEL_SUBNET: '10.6.1.1/24' } }, BOTH],
    [
      'what the file lacks',
      { file: SUBNET, environment: { FLANNEL_MTU: '1450' }, args: ['-i'] },
      BIP_LINE + MTU_LINE,
    ],
    [
      'present options',
      { args: ['-c'], environment: { DOCKER_OPTS: '--debug' } },
      `DOCKER_OPTS="--debug ${OPTIONS}"\n`,
    ],
    [
      'a blank as present options',
      { args: ['-c'], environment: { DOCKER_OPTS: ' ' } },
      `DOCKER_OPTS="  ${OPTIONS}"\n`,
    ],
    [
      'present options of -k',
      { args: ['-ckKEY'], environment: { KEY: '-D', DOCKER_OPTS: '-x' } },
      `KEY="-D ${OPTIONS}"\n`,
    ],
    [
      'another option',
      { environment: { DOCKER_OPT_DNS: '--dns=1.1.1.1' }, file: SUBNET + MTU },
      `${BIP_LINE}DOCKER_OPT_DNS="--dns=1.1.1.1"\n${MTU_LINE}DOCKER_OPTS=" --bip=10.5.69.1/24 --dns=1.1.1.1 --mtu=1450"\n`,
    ],
    ['an option that the subnet decides', { environment: { DOCKER_OPT_BIP: '--bip=9.9.9.9/8' } }, BOTH],
    [
      'the same, when there is no subnet',
      { file: null, environment: { DOCKER_OPT_BIP: '-b' }, args: ['-i'] },
      'DOCKER_OPT_BIP="-b"\n',
    ],
    [
      '--ip-masq in spite of -m',
      { args: ['-im'], environment: { DOCKER_OPT_IPMASQ: 'x' } },
      `${BIP_LINE}DOCKER_OPT_IPMASQ="x"\n${MTU_LINE}`,
    ],
    [
      'an empty option',
      { file: MTU, environment: { DOCKER_OPT_E: '' } },
      `DOCKER_OPT_E=""\n${MTU_LINE}DOCKER_OPTS="  --mtu=1450"\n`,
    ],
    [
      'names in the order of their bytes',
      { file: null, environment: { DOCKER_OPT_a: '3', DOCKER_OPT_A: '2', DOCKER_OPT_1: '1' } },
      'DOCKER_OPT_1="1"\nDOCKER_OPT_A="2"\nDOCKER_OPT_a="3"\nDOCKER_OPTS=" 1 2 3"\n',
    ],
  ])('from the environment: %s', async (_, input, text) => {
    expect(await run(input)).toEqual([0, text]);
  });

  it.each<[string, string, string]>([
    ['exported', `export ${SUBNET}export ${MTU}export ${IPMASQ}`, BOTH],
    ['in double quotes', FILE.replaceAll(/=(.*)/g, '="$1"'), BOTH],
    ['in single quotes', FILE.replaceAll(/=(.*)/g, "='$1'"), BOTH],
    ['partly quoted', `${SUBNET}FLANNEL_MTU=1"45"'0'\n${IPMASQ}`, BOTH],
    ['with comments', `# one\n\n  ${FILE.replaceAll('\n', ' # two\n')}`, BOTH],
    ['several on a line', 'FLANNEL_SUBNET=10.5.69.1/24 FLANNEL_MTU=1450; FLANNEL_IPMASQ=false\n', BOTH],
    [
      'several exported',
      `export FLANNEL_SUBNET=10.5.69.1/24 FLANNEL_MTU=1450\n${IPMASQ}export FLANNEL_MTU\n`,
      BOTH,
    ],
    ['a variable twice', `${FILE.replace('1450', '9')}${MTU}`, BOTH],
    ['with variables', `A=10.5\nFLANNEL_SUBNET=$A.69.1/24\nFLANNEL_MTU="\${B}1450"\n${IPMASQ}`, BOTH],
    ['with backslashes', `${SUBNET}FLANNEL_MTU=1\\4\\\n50\n${IPMASQ}`, BOTH],
    ['without a last newline', FILE.trimEnd(), BOTH],
    [
      'with other options',
      `${FILE}DOCKER_OPTS="$DOCKER_OPTS --more"\n`,
      BOTH.replace('" --bip', '"-D --more  --bip'),
    ],
    ['with an option of its own', 'DOCKER_OPT_A="-a$UNSET"\n', 'DOCKER_OPT_A="-a"\nDOCKER_OPTS="-D  -a"\n'],
  ])('from the file: %s', async (_, file, text) => {
    const expected = text.replace('DOCKER_OPTS=" ', 'DOCKER_OPTS="-D  ');
    expect(await run({ file, environment: { DOCKER_OPTS: '-D' } })).toEqual([0, expected]);
  });

  it.each([[['-h']], [['-?']], [['-x']], [['--bogus']], [['-icx']], [['-k']], [['-i', '-f']]])(
    'nothing, with exit code 1, for %j',
    async (args) => {
      expect(await run({ args })).toEqual([1, undefined]);
    },
  );

  it('nothing, with exit code 1, for a bad FLANNEL_IPMASQ', async () => {
    for (const value of ['maybe', 'TRUE', '1']) {
      expect(await run({ file: `${SUBNET}FLANNEL_IPMASQ=${value}\n` })).toEqual([1, undefined]);
      expect(await run({ file: SUBNET, environment: { FLANNEL_IPMASQ: value } })).toEqual([1, undefined]);
    }
  });
});

// Where it differs: upstream passes bad values on, runs what the file contains, and splits an option at blanks.
describe('does better than upstream’s script', () => {
  it.each<[string, Case]>([
    ['a bad subnet', { file: 'FLANNEL_SUBNET=10.5.69/24\n' }],
    ['a bad subnet in the environment', { file: null, environment: { FLANNEL_SUBNET: 'x' } }],
    ['a bad MTU', { file: 'FLANNEL_MTU=big\n' }],
    ['a command', { file: `${FILE}echo hello\n` }],
    ['a command substitution', { file: `${FILE}DOCKER_OPT_X=$(id)\n` }],
    ['a -k that is no name', { args: ['-k', 'A B'] }],
    ['an empty -k', { args: ['-k', ''] }],
  ])('refuses %s and writes nothing', async (_, input) => {
    expect(await run(input)).toEqual([1, undefined]);
  });

  it('keeps an option with blanks whole, and escapes quotes', async () => {
    expect(await run({ file: `DOCKER_OPT_L='--label "a b"'\n`, args: ['-i'] })).toEqual([
      0,
      String.raw`DOCKER_OPT_L="--label \"a b\""` + '\n',
    ]);
  });

  it('takes only variables whose names begin with DOCKER_OPT_', async () => {
    const environment = { MY_DOCKER_OPT_X: '1', OTHER: 'DOCKER_OPT_Y=2' };
    expect(await run({ environment, args: ['-i'] })).toEqual([0, BIP_LINE + IPMASQ_LINE + MTU_LINE]);
  });

  it('reads a file with CRLF line ends', async () => {
    expect(await run({ file: FILE.replaceAll('\n', '\r\n') })).toEqual([0, BOTH]);
  });
});
