import { expect, it } from 'vitest';
import { qemuCommand } from './qemu-command.ts';

it('the emulated machine has the kernel’s console on its standard output and ends when the kernel panics', () => {
  const files = { image: '/k/vmlinuz', initrd: '/t/initrd', socket: '/t/virtiofs', resultFile: '/t/result' };
  const command = qemuCommand(files).join(' ');
  expect(command).toContain('-kernel /k/vmlinuz -initrd /t/initrd');
  expect(command).toContain('-serial stdio -serial file:/t/result');
  expect(command).toContain('path=/t/virtiofs');
  // `panic=-1` reboots at once, which `-no-reboot` makes the end of the machine.
  expect(command).toMatch(/-no-reboot.* -append console=ttyS0 .*panic=-1/);
});
