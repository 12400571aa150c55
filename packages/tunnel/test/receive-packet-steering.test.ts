import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { steerReceivedPackets } from '../src/receive-packet-steering.ts';

let sysfs: string;
beforeEach(() => {
  sysfs = mkdtempSync(join(tmpdir(), 'steering-'));
  mkdirSync(join(sysfs, 'devices/system/cpu'), { recursive: true });
});
afterEach(() => rmSync(sysfs, { recursive: true }));

const fileOf = (queue: string) => join(sysfs, 'class/net/flannel0/queues', queue, 'rps_cpus');
const masks = (...queues: string[]) => queues.map((queue) => readFileSync(fileOf(queue), 'utf8'));

function createQueues(queues: Record<string, string>): void {
  for (const [queue, mask] of Object.entries(queues)) {
    mkdirSync(join(fileOf(queue), '..'), { recursive: true });
    writeFileSync(fileOf(queue), mask);
  }
}

it.each([
  ['0-3', '0000000f'],
  ['0,2-3,5', '0000002d'],
  ['0-31', 'ffffffff'],
  ['0-32', '00000001,ffffffff'],
  ['0-69', '0000003f,ffffffff,ffffffff'],
])('writes the mask of the cores %s as %s', (online, mask) => {
  writeFileSync(join(sysfs, 'devices/system/cpu/online'), `${online}\n`);
  createQueues({ 'rx-0': '00000000,00000000\n', 'tx-0': '0\n' });
  steerReceivedPackets('flannel0', { cores: 4, sysfs });
  expect(masks('rx-0', 'tx-0')).toEqual([mask, '0\n']);
});

it('leaves a queue alone for which cores were chosen', () => {
  writeFileSync(join(sysfs, 'devices/system/cpu/online'), '0-3\n');
  createQueues({ 'rx-0': '00000000,00000004\n', 'rx-1': '0\n' });
  steerReceivedPackets('flannel0', { cores: 4, sysfs });
  expect(masks('rx-0', 'rx-1')).toEqual(['00000000,00000004\n', '0000000f']);
});

it('does nothing with few cores, and where there is no such device', () => {
  writeFileSync(join(sysfs, 'devices/system/cpu/online'), '0-3\n');
  createQueues({ 'rx-0': '0\n' });
  steerReceivedPackets('flannel0', { cores: 2, sysfs });
  expect(masks('rx-0')).toEqual(['0\n']);
  expect(() => steerReceivedPackets('flannel9', { cores: 4, sysfs })).not.toThrow();
});
