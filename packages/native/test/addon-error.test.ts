import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type * as Native from '../src/index.ts';

it('says how to build the addon when it is missing', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'addon-'));
  try {
    await cp(join(import.meta.dirname, '../src'), join(directory, 'src'), { recursive: true });
    await symlink(join(import.meta.dirname, '../../../node_modules'), join(directory, 'node_modules'));
    const copy = (await import(join(directory, 'src/index.ts'))) as typeof Native;
    expect(() => copy.openNetlinkPort()).toThrow(copy.AddonError);
    expect(() => copy.openNetlinkPort()).toThrow(/npm run build:addon.*g\+\+, make and python3/);
  } finally {
    await rm(directory, { recursive: true });
  }
});
