import { spawnSync } from 'node:child_process';
import { constants } from 'node:fs';
import {
  chmod,
  chown,
  lstat,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseInterfaceAddress } from '@flannel-ts/ip';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CombinedKeyError, formatDockerOptions, writeDockerOptions, type SubnetEnv } from '../src/index.ts';
import { mkDockerOpts } from '../src/mk-docker-opts.ts';
import { writeSubnetEnv } from '../src/index.ts';

const env: SubnetEnv = { subnet: parseInterfaceAddress('10.5.69.1/24'), mtu: 1450, ipMasq: true };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'docker-options-'));
});
afterEach(() => rm(directory, { recursive: true }));

it('writes both forms, with mode 0644, and leaves nothing beside them', async () => {
  const path = join(directory, 'run', 'docker.env');
  const umask = process.umask(0o077);
  await writeDockerOptions(path, env, { combinedKey: 'DOCKER_NETWORK_OPTIONS' }).finally(() =>
    process.umask(umask),
  );
  expect(await readFile(path, 'utf8')).toBe(
    `DOCKER_OPT_BIP="--bip=10.5.69.1/24"
DOCKER_OPT_IPMASQ="--ip-masq=false"
DOCKER_OPT_MTU="--mtu=1450"
DOCKER_NETWORK_OPTIONS=" --bip=10.5.69.1/24 --ip-masq=false --mtu=1450"
`,
  );
  expect((await stat(path)).mode & 0o777).toBe(0o644);
  expect(await readdir(join(directory, 'run'))).toEqual(['docker.env']);
});

it('writes what mk-docker-opts -d PATH -k KEY writes', async () => {
  const path = (name: string) => join(directory, name);
  await writeSubnetEnv(path('subnet.env'), env);
  await writeDockerOptions(path('library'), env, { combinedKey: 'KEY' });
  const print = (text: string) => expect.fail(text);
  const args = ['-f', path('subnet.env'), '-d', path('command'), '-k', 'KEY'];
  expect(await mkDockerOpts({ args, environment: {}, print, complain: print })).toBe(0);
  expect(await readFile(path('command'), 'utf8')).toBe(await readFile(path('library'), 'utf8'));
});

it('refuses a key that is no name, and leaves the old file', async () => {
  const path = join(directory, 'docker.env');
  await writeDockerOptions(path, env);
  const old = await readFile(path, 'utf8');
  const error: unknown = await writeDockerOptions(path, env, { combinedKey: 'A B' }).catch(
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CombinedKeyError);
  expect((error as CombinedKeyError).key).toBe('A B');
  expect(await readFile(path, 'utf8')).toBe(old);
});

it('writes nothing but an empty variable for a host without a subnet', () => {
  expect(formatDockerOptions({})).toBe('DOCKER_OPTS=""\n');
  expect(formatDockerOptions({ mtu: 1430, ipMasq: false }, { individual: false })).toBe(
    'DOCKER_OPTS=" --ip-masq=true --mtu=1430"\n',
  );
});

it('gives existing options back to a shell as they were', () => {
  const text = fc
    .array(
      fc.oneof(fc.constantFrom('"', "'", '\\', '$HOME', '`id`', '$(id)', ' ', '--label', '%'), fc.string()),
    )
    .map((parts) => parts.join('').replaceAll('\0', '').trim())
    .filter((value) => value !== '');
  fc.assert(
    fc.property(text, (existing) => {
      const script = `${formatDockerOptions({ mtu: 1 }, { individual: false, variables: { DOCKER_OPTS: existing } })}printf %s "$DOCKER_OPTS"`;
      const { stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
      expect(stdout).toBe(`${existing}  --mtu=1`);
    }),
    { numRuns: 100 },
  );
});

describe('an output that exists', () => {
  const text = formatDockerOptions(env);

  it('keeps its mode and owner when it is a file', async () => {
    const path = join(directory, 'docker.env');
    await writeFile(path, 'old');
    await chmod(path, 0o640);
    if (process.getuid?.() === 0) await chown(path, 1234, 4321);
    const before = await stat(path);
    await writeDockerOptions(path, env);
    const { mode, uid, gid } = await stat(path);
    expect({ mode, uid, gid }).toEqual({ mode: before.mode, uid: before.uid, gid: before.gid });
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it(
    'is written all the same when its owner cannot be kept',
    { skip: process.getuid?.() !== 0 },
    async () => {
      const path = join(directory, 'docker.env');
      await writeFile(path, 'old');
      await chown(path, 1234, 4321);
      await chmod(directory, 0o777);
      process.seteuid!(65_534);
      await writeDockerOptions(path, env).finally(() => process.seteuid!(0));
      expect(await readFile(path, 'utf8')).toBe(text);
      expect((await stat(path)).uid).toBe(65_534);
    },
  );

  it.each(['present', 'missing'])('stays a link, to a %s file', async (target) => {
    const link = join(directory, 'link');
    await symlink('middle', link);
    await symlink('target', join(directory, 'middle'));
    if (target === 'present') await writeFile(join(directory, 'target'), 'old');
    await writeDockerOptions(link, env);
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect(await readFile(join(directory, 'target'), 'utf8')).toBe(text);
    expect((await readdir(directory)).sort()).toEqual(['link', 'middle', 'target']);
  });

  it('stays a FIFO, and its reader gets the options', async () => {
    const path = join(directory, 'fifo');
    spawnSync('mkfifo', [path]);
    await using reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    await writeDockerOptions(path, env);
    expect(await reader.readFile('utf8')).toBe(text);
    expect((await lstat(path)).isFIFO()).toBe(true);
  });

  it('is not waited for when it is a FIFO without a reader', async () => {
    const path = join(directory, 'fifo');
    spawnSync('mkfifo', [path]);
    await expect(writeDockerOptions(path, env)).rejects.toMatchObject({ code: 'ENXIO' });
  });

  it('stays a device', async () => {
    const device = join(directory, 'null');
    await symlink('/dev/null', device);
    await writeDockerOptions(device, env);
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  it('gets the options where a descriptor leads', async () => {
    const path = join(directory, 'docker.env');
    await using file = await open(path, 'w');
    await writeDockerOptions(`/proc/self/fd/${file.fd}`, env);
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it('is left alone, and named, when it is a directory', async () => {
    await expect(writeDockerOptions(directory, env)).rejects.toThrow('EISDIR');
    expect(await readdir(directory)).toEqual([]);
  });
});
