import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createLab } from '@flannel-ts/lab';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('support/steer.ts', import.meta.url));
const MASK = '/sys/class/net/flannel0/queues/rx-0/rps_cpus';

it('the kernel takes the mask of all cores for a TUN device, and one that an operator wrote stays', async () => {
  await using lab = await createLab();
  const host = await lab.addHost();
  await host.run('ip', 'tuntap', 'add', 'flannel0', 'mode', 'tun');
  const steer = () => host.run(process.execPath, '--conditions=@flannel-ts/source', program, 'flannel0');
  const read = async () => BigInt(`0x${(await host.run('cat', MASK)).trim().replaceAll(',', '')}`);
  expect(await read()).toBe(0n);
  await steer();
  expect(await read()).toBe((1n << BigInt(cpus().length)) - 1n);
  await host.run('sh', '-c', `echo 1 > ${MASK}`);
  await steer();
  expect(await read()).toBe(1n);
});
