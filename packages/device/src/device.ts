import type { DesiredLink, HostState, Ownership } from './desired.ts';

/**
 * Keeps the kernel equal to the desired state. Desired state is kept per owner (`self`, or a peer's lease
 * key), so that a change costs what that owner changed. Two owners may desire the same entry; it goes
 * when the last one lets go. Calls are carried out one after another. What the kernel refuses does not stop
 * the rest and is no rejection: it is reported by a {@link DeviceEvent} and tried again until it works.
 * Disposal leaves the kernel's state as it is.
 */
export interface Device extends AsyncDisposable {
  /**
   * Creates the link, adopts an equal one, or recreates one that differs in what cannot be changed. The link
   * is desired as it is given here, whatever was desired before, until the next `apply`.
   * @returns its MAC address and index now.
   * @throws {ForeignLinkError} when a device of this name is of another kind, {@link LinkMissingError},
   *   {@link ParentMtuError}, `NetlinkError` of `@flannel-ts/netlink`
   */
  ensureLink(link: DesiredLink): Promise<{ readonly index: number; readonly mac: string | undefined }>;

  /**
   * Replaces all desired state and its bounds, and compares all of it with the kernel. Deletes what `ownership`
   * or the former one covers and what is not desired, devices included: after a change of backend,
   * nothing of the former one is left. With equal desired state it changes nothing in the kernel.
   */
  apply(desired: ReadonlyMap<string, HostState>, ownership: Ownership): Promise<void>;

  /**
   * Replaces the desired state of some owners (`undefined`: none any more) without a full compare. A link that
   * changes is made what it is now at the next full compare.
   */
  update(changes: ReadonlyMap<string, HostState | undefined>): Promise<void>;

  /** Compares everything with the kernel and repairs it. */
  reconcile(): Promise<void>;
}
