import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseInterfaceAddress, parsePrefix } from '@flannel-ts/ip';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  formatSubnetEnv,
  parseSubnetEnv,
  readSubnetEnv,
  writeSubnetEnv,
  type SubnetEnv,
} from '../src/index.ts';

const dualStack: SubnetEnv = {
  network: parsePrefix('10.5.0.0/16'),
  subnet: parseInterfaceAddress('10.5.69.1/24'),
  ipv6Network: parsePrefix('fc00::/48'),
  ipv6Subnet: parseInterfaceAddress('fc00:0:0:62::1/64'),
  mtu: 1450,
  ipMasq: false,
};
const dualStackText = `FLANNEL_NETWORK=10.5.0.0/16
FLANNEL_SUBNET=10.5.69.1/24
FLANNEL_IPV6_NETWORK=fc00::/48
FLANNEL_IPV6_SUBNET=fc00:0:0:62::1/64
FLANNEL_MTU=1450
FLANNEL_IPMASQ=false
`;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'subnet-env-'));
});
afterEach(() => rm(directory, { recursive: true }));

it('is written to the letter, with mode 0644, and leaves nothing beside it', async () => {
  const path = join(directory, 'run', 'subnet.env');
  const umask = process.umask(0o077);
  await writeSubnetEnv(path, dualStack).finally(() => process.umask(umask));
  expect(await readFile(path, 'utf8')).toBe(dualStackText);
  expect((await stat(path)).mode & 0o777).toBe(0o644);
  expect(await readdir(join(directory, 'run'))).toEqual(['subnet.env']);
});

it('is read back', () => {
  expect(parseSubnetEnv(dualStackText)).toEqual({ env: dualStack, problems: [] });
});

it('reads a missing file as empty', async () => {
  expect(await readSubnetEnv(join(directory, 'none'))).toEqual({ env: {}, problems: [] });
});

it('skips bad lines, names them and keeps the rest', () => {
  const { env, problems } = parseSubnetEnv(
    'FLANNEL_SUBNET=10.5.69/24\nnonsense\n# comment\n\nFLANNEL_MTU=-1\nFLANNEL_IPMASQ=maybe\nOTHER=1\nFLANNEL_NETWORK=10.5.0.0/16\n',
  );
  expect(env).toEqual({ network: parsePrefix('10.5.0.0/16') });
  expect(problems).toEqual([
    {
      line: 1,
      variable: 'FLANNEL_SUBNET',
      problem: 'FLANNEL_SUBNET: "10.5.69/24" is not an IP prefix: write all four parts, such as 10.5.69.0/24',
    },
    {
      line: 2,
      variable: undefined,
      problem: 'a line must be made of NAME=value, not "nonsense"; commands are not run',
    },
    { line: 5, variable: 'FLANNEL_MTU', problem: 'FLANNEL_MTU must be a number of bytes, not "-1"' },
    {
      line: 6,
      variable: 'FLANNEL_IPMASQ',
      problem: 'FLANNEL_IPMASQ must be true or false, not "maybe"',
    },
  ]);
});

it('reads what other writers quote, export, set again, or end with CR', () => {
  const text = dualStackText
    .replace('FLANNEL_NETWORK=10.5.0.0/16', 'FLANNEL_NETWORK="10.5.0.0/16"')
    .replace('FLANNEL_SUBNET=10.5.69.1/24', "  export FLANNEL_SUBNET='10.5.69.1/24'")
    .replace('FLANNEL_MTU=1450', 'FLANNEL_MTU=9\r\n  # comment\nFLANNEL_MTU=\nFLANNEL_MTU="1450"');
  expect(parseSubnetEnv(text)).toEqual({ env: dualStack, problems: [] });
});

it('skips a value whose quote is not closed', () => {
  expect(parseSubnetEnv('FLANNEL_MTU="1450\nFLANNEL_IPMASQ=false\n')).toEqual({
    env: { ipMasq: false },
    problems: [{ line: 1, variable: 'FLANNEL_MTU', problem: 'FLANNEL_MTU must have its quote closed' }],
  });
});

it('takes an empty variable for one that is not set', () => {
  expect(parseSubnetEnv('FLANNEL_MTU=1450\nFLANNEL_MTU=\nFLANNEL_IPMASQ=""\n')).toEqual({
    env: {},
    problems: [],
  });
});

it.each([
  ['FLANNEL_NETWORK=fc00::/48', 'FLANNEL_NETWORK must be IPv4, not fc00::/48'],
  ['FLANNEL_SUBNET=fc00::1/64', 'FLANNEL_SUBNET must be IPv4, not fc00::/64'],
  ['FLANNEL_IPV6_NETWORK=10.5.0.0/16', 'FLANNEL_IPV6_NETWORK must be IPv6, not 10.5.0.0/16'],
  ['FLANNEL_IPV6_SUBNET=10.5.69.1/24', 'FLANNEL_IPV6_SUBNET must be IPv6, not 10.5.69.0/24'],
  ['FLANNEL_NETWORK=10.5.69.1/16', 'has host bits (did you mean 10.5.0.0/16?)'],
])('skips %s', (text, message) => {
  const { env, problems } = parseSubnetEnv(text);
  expect(env).toEqual({});
  expect(problems[0]!.problem).toContain(message);
});

it('writes only the families that there are', () => {
  const { ipv6Network, ipv6Subnet } = dualStack;
  expect(formatSubnetEnv({ ipv6Network, ipv6Subnet, mtu: 1430, ipMasq: true })).toBe(
    'FLANNEL_IPV6_NETWORK=fc00::/48\nFLANNEL_IPV6_SUBNET=fc00:0:0:62::1/64\nFLANNEL_MTU=1430\nFLANNEL_IPMASQ=true\n',
  );
});

it('keeps the old file when the new one cannot be written', async () => {
  const path = join(directory, 'subnet.env');
  await mkdir(path);
  await expect(writeSubnetEnv(path, dualStack)).rejects.toThrow('EISDIR');
  expect(await readdir(directory)).toEqual(['subnet.env']);
});

it('shows a reader the old text or the new one, whole, however often it is written', async () => {
  const path = join(directory, 'subnet.env');
  const texts = new Set([dualStackText, dualStackText.replace('MTU=1450', 'MTU=1400')]);
  await writeSubnetEnv(path, dualStack);
  const writing = (async () => {
    for (let round = 0; round < 50; round++) {
      await writeSubnetEnv(path, { ...dualStack, mtu: round % 2 ? 1450 : 1400 });
    }
    return 'done' as const;
  })();
  while ((await Promise.race([writing, readFile(path, 'utf8')])) !== 'done') {
    expect(texts).toContain(await readFile(path, 'utf8'));
  }
});

it('never fails on any text', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom('FLANNEL_SUBNET=', 'FLANNEL_MTU=1', 'FLANNEL_NETWORK=fc00::/48'),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const { env } = parseSubnetEnv(lines.join('\n'));
      expect(parseSubnetEnv(formatSubnetEnv(env))).toEqual({ env, problems: [] });
    }),
  );
});
