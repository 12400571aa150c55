import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimNetwork } from '../src/claim.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'claim-'));
});
afterEach(() => rm(directory, { recursive: true }));

it('gives a network to one process at a time, by whatever path its file is reached', async () => {
  await symlink(directory, `${directory}-link`);
  const path = join(directory, 'subnet.env');
  const claim = await claimNetwork(path);
  expect(claim).toBeDefined();
  expect(
    await claimNetwork(join(directory, '..', directory.slice(directory.lastIndexOf('/')), 'subnet.env')),
  ).toBeUndefined();
  expect(await claimNetwork(join(`${directory}-link`, 'subnet.env'))).toBeUndefined();
  await using other = await claimNetwork(join(directory, 'other.env'));
  expect(other).toBeDefined();
  await claim![Symbol.asyncDispose]();
  await using again = await claimNetwork(path);
  expect(again).toBeDefined();
  await rm(`${directory}-link`);
});
