// Runs test files in the guest and writes a GuestResult to a file: node guest/main.ts RESULT FILE…
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { createLab } from '@flannel-ts/lab';
import { parseAddress } from '@flannel-ts/ip';
import { inNamespace } from '@flannel-ts/native';
import { openTunnel, type FastPathState } from '@flannel-ts/tunnel';
import { summarize, type GuestResult, type VitestReport } from '../result.ts';

const REPORT = '/tmp/vitest.json';

const [file, ...suites] = process.argv.slice(2) as [string, ...string[]];
const fastPath = await openFastPath();
const exitCode = await runTests();
const report = JSON.parse(await readFile(REPORT, 'utf8')) as VitestReport;
const result: GuestResult = { kernel: release(), fastPath, exitCode, ...summarize(report) };
await writeFile(file, JSON.stringify(result));

/** Returns whether a tunnel of this kernel has a fast path. */
async function openFastPath(): Promise<FastPathState> {
  await using lab = await createLab();
  const host = await lab.addHost();
  await using tunnel = inNamespace(host.path, () =>
    openTunnel({
      tun: { name: 'flannel0', mtu: 1472 },
      socket: { address: parseAddress(host.address), port: 8285 },
      underlay: 'eth0',
      fastPath: true,
    }),
  );
  return tunnel.fastPath;
}

async function runTests(): Promise<number | null> {
  const reporters = ['--reporter=verbose', '--reporter=json', `--outputFile.json=${REPORT}`];
  const args = ['run', '--config', 'e2e/kernels/guest/vitest.config.ts', ...reporters, ...suites];
  const tests = spawn('vitest', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(tests, 'close')) as [number | null];
  return code;
}
