import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
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
    { line: 1, problem: '"10.5.69/24" is not an IP prefix (want for example 10.5.0.0/16 or fc00::/48)' },
    { line: 2, problem: '"nonsense" is no NAME=value' },
    { line: 5, problem: 'FLANNEL_MTU must be a number of bytes, not "-1"' },
    { line: 6, problem: 'FLANNEL_IPMASQ must be true or false, not "maybe"' },
  ]);
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
