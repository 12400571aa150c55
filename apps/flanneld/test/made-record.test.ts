import { appendFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openMadeRecord, type Made } from '../src/made-record.ts';

let directory: string;
let subnetFile: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'made-'));
  subnetFile = join(directory, 'flannel', 'subnet.env');
});
afterEach(() => rm(directory, { recursive: true }));

const overlay: Made = {
  kind: 'overlay',
  network: parsePrefix('10.5.0.0/16'),
  subnet: parsePrefix('10.5.69.0/24'),
};
const link: Made = { kind: 'link', name: 'flannel.1' };
const route: Made = {
  kind: 'route',
  destination: parsePrefix('10.5.7.0/24'),
  gateway: parseAddress('192.0.2.7'),
};

const text = () => readFile(`${subnetFile}.made`, 'utf8');

it('keeps what earlier runs made, each thing once, in the words of ip', async () => {
  expect(openMadeRecord(subnetFile).exists).toBe(false);
  openMadeRecord(subnetFile).add([overlay, link, link]);
  const record = openMadeRecord(subnetFile);
  record.add([link, route]);
  record.add([route]);
  expect(await text()).toBe(
    'overlay 10.5.0.0/16 subnet 10.5.69.0/24\nlink flannel.1\nroute 10.5.7.0/24 via 192.0.2.7\n',
  );
  const again = openMadeRecord(subnetFile);
  expect([overlay, link, route].every((made) => again.has(made))).toBe(true);
  expect(again.has({ kind: 'link', name: 'flannel.2' })).toBe(false);
  expect(String(again.overlays[0]!.subnet)).toBe('10.5.69.0/24');
});

it('reads over lines that another program damaged', async () => {
  openMadeRecord(subnetFile).add([link]);
  await appendFile(`${subnetFile}.made`, 'overlay 10.5.0.0/99 subnet x\n\noverlay\n');
  const record = openMadeRecord(subnetFile);
  expect(record.overlays).toEqual([]);
  expect(record.has(link)).toBe(true);
});

it('is gone when it is deleted', async () => {
  const record = openMadeRecord(subnetFile);
  record.add([link]);
  record.delete();
  expect(record.exists).toBe(false);
  await expect(text()).rejects.toThrow('ENOENT');
  record.add([link]);
  expect(await text()).toBe('link flannel.1\n');
});

it('writes everything again with the next addition after its file was deleted', async () => {
  const record = openMadeRecord(subnetFile);
  record.add([link]);
  await rm(`${subnetFile}.made`);
  record.add([route]);
  expect(await text()).toBe('link flannel.1\nroute 10.5.7.0/24 via 192.0.2.7\n');
});

it('joins no line to half of one that a full disk left', async () => {
  openMadeRecord(subnetFile).add([link]);
  await appendFile(`${subnetFile}.made`, 'route 10.5.7.0/2');
  openMadeRecord(subnetFile).add([route]);
  expect(openMadeRecord(subnetFile).has(route)).toBe(true);
});

it('reports what it cannot write, and writes that with the next addition', async () => {
  const problems: string[] = [];
  const record = openMadeRecord(subnetFile, (problem) => problems.push(problem));
  await mkdir(`${subnetFile}.made/in-the-way`, { recursive: true });
  record.add([link]);
  expect(problems).toEqual([expect.stringContaining('cannot be written')]);
  await rm(`${subnetFile}.made`, { recursive: true });
  record.add([route]);
  expect(problems.slice(1)).toEqual(['']);
  expect(await text()).toBe('link flannel.1\nroute 10.5.7.0/24 via 192.0.2.7\n');
});

it('forgets routes and links that are gone, and no network', async () => {
  openMadeRecord(subnetFile).add([overlay, link, route, { kind: 'docker-network' }]);
  const record = openMadeRecord(subnetFile);
  record.forgetAllBut(new Set(['link flannel.1']));
  expect([overlay, link, route].map((made) => record.has(made))).toEqual([true, true, false]);
  expect(await text()).toBe('overlay 10.5.0.0/16 subnet 10.5.69.0/24\nlink flannel.1\ndocker network\n');
});

it('costs an addition no more than what it adds, once the file is there', async () => {
  const record = openMadeRecord(subnetFile);
  record.add([link]);
  await appendFile(`${subnetFile}.made`, 'of another program\n');
  record.add([route]);
  expect(await text()).toContain('of another program\n');
});
