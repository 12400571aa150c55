import type { DesiredLink, HostState, Ownership } from './desired.ts';

/**
 * Keeps the kernel equal to the desired state. Desired state is kept per owner (`self`, or a peer's lease
 * key), so that a change costs what that owner changed. Two owners may want the same entry; it goes when
 * the last one lets go. Calls are carried out one after another. What the kernel refuses does not stop the
 * rest and is no rejection: it is told by a {@link DeviceEvent} and tried again until it works.
 */
export interface Device extends AsyncDisposable {
  /**
   * Creates the link, adopts an equal one, or recreates one that differs in what cannot be changed.
   * @returns its MAC address and index now.
   * @throws {LinkMissingError} `NetlinkError` of `@flannel-ts/netlink`
   */
  ensureLink(link: DesiredLink): Promise<{ readonly index: number; readonly mac: string | undefined }>;

  /** Sets what this process owns: the bounds of what may be deleted. */
  own(ownership: Ownership): void;

  /** Replaces everything desired, compares all of it with the kernel, deletes what is owned and undesired. */
  apply(desired: ReadonlyMap<string, HostState>): Promise<void>;

  /** Replaces what some owners want (`undefined`: nothing any more), without a full compare. */
  update(changes: ReadonlyMap<string, HostState | undefined>): Promise<void>;

  /** Compares everything with the kernel and repairs it. */
  reconcile(): Promise<void>;
}
