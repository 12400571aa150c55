import type { Device, HostState } from '@flannel-ts/device';

/** A host's kernel: it outlives its daemons. */
export interface Kernel {
  /** What the kernel holds, by owner: `self`, or a peer's lease key. */
  readonly states: ReadonlyMap<string, HostState>;
  /** Returns the owners whose state was set or removed since the last call. */
  takeChanged(): ReadonlySet<string>;
  /** The MAC address of the VXLAN device. */
  readonly mac: string;
  /** Opens the device of `@flannel-ts/device` over this kernel. */
  openDevice(): Device;
  /** Forgets everything, as a reboot does; a new device has another MAC address. */
  reboot(mac: string): void;
}

export function createKernel(firstMac: string): Kernel {
  const states = new Map<string, HostState>();
  let mac = firstMac;
  let changed = new Set<string>();

  function set(owner: string, state: HostState | undefined): void {
    changed.add(owner);
    if (state) states.set(owner, state);
    else states.delete(owner);
  }

  function clear(): void {
    for (const owner of states.keys()) set(owner, undefined);
  }

  const openDevice = (): Device => ({
    ensureLink: (link) =>
      Promise.resolve({ index: 1, mac: link.kind === 'tun' ? undefined : (link.mac ?? mac) }),
    apply(desired) {
      clear();
      for (const [owner, state] of desired) set(owner, state);
      return Promise.resolve();
    },
    update(changes) {
      for (const [owner, state] of changes) set(owner, state);
      return Promise.resolve();
    },
    reconcile: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });

  return {
    states,
    takeChanged() {
      const taken = changed;
      changed = new Set();
      return taken;
    },
    get mac() {
      return mac;
    },
    openDevice,
    reboot(next) {
      clear();
      mac = next;
    },
  };
}
