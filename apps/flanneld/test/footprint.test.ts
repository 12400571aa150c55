import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readFootprint } from '../src/cleanup/footprint.ts';

let file: string;
beforeAll(async () => {
  file = join(await mkdtemp(join(tmpdir(), 'footprint-')), 'subnet.env');
});
afterAll(() => rm(join(file, '..'), { recursive: true }));

it('takes no network of every address for ours, whichever file names it', async () => {
  await writeFile(file, 'FLANNEL_NETWORK=0.0.0.0/0\nFLANNEL_SUBNET=10.5.1.1/24\n');
  const lines = ['overlay 0.0.0.0/0 subnet 10.5.1.0/24', 'overlay 10.6.0.0/16 subnet 10.6.1.0/24'];
  await writeFile(`${file}.made`, lines.join('\n'));
  const { overlays } = await readFootprint(file, pino({ level: 'silent' }));
  expect(overlays.map(({ network }) => network.toString())).toEqual(['10.6.0.0/16']);
});
