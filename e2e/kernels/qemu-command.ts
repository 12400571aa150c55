const MEMORY = '3072M';

export interface Machine {
  /** The compressed kernel. */
  readonly image: string;
  readonly initrd: string;
  /** The socket of the daemon that serves files. */
  readonly socket: string;
  /** Gets what the guest writes to its second serial line. */
  readonly resultFile: string;
}

/**
 * The processor has all features but cmpxchg16b, which kernels do without: QEMU 7.2 (Debian 12) computes wrong flags for
 * it, of which Linux 6.12 died. With two processors, and cmpxchg16b, Linux 7.2 crashed once.
 */
const PROCESSOR = ['-cpu', 'max,-cx16', '-smp', '1'];

/** Returns the command of an emulated machine that prints its console and ends when the guest powers off or panics. */
export function qemuCommand({ image, initrd, socket, resultFile }: Machine): string[] {
  return [
    ...['qemu-system-x86_64', '-accel', 'tcg', ...PROCESSOR, '-m', MEMORY],
    // The file server needs the guest's memory.
    ...['-object', `memory-backend-memfd,id=memory,size=${MEMORY},share=on`],
    ...['-machine', 'q35,memory-backend=memory,hpet=off'],
    ...['-nodefaults', '-display', 'none', '-no-reboot'],
    ...[
      '-chardev',
      `socket,id=files,path=${socket}`,
      '-device',
      'vhost-user-fs-pci,chardev=files,tag=machine',
    ],
    ...['-device', 'virtio-rng-pci'],
    ...['-serial', 'stdio', '-serial', `file:${resultFile}`],
    ...['-kernel', image, '-initrd', initrd],
    ...['-append', 'console=ttyS0 quiet panic=-1 mitigations=off'],
  ];
}
