import type { Address } from '@flannel-ts/ip';
import type { DumpFilter, FdbEntry, KernelEvent, Link, LinkAddress, Neighbour, Route } from './objects.ts';
import type { NetlinkError } from './errors.ts';
import type { Operation } from './operations.ts';
import type { SubscriptionOptions } from './subscribe.ts';

/** A connection to the kernel's routing netlink of one network namespace. */
export interface NetlinkConnection extends AsyncDisposable {
  links(): Promise<readonly Link[]>;
  addresses(filter?: DumpFilter): Promise<readonly LinkAddress[]>;
  /** Routes of every table. */
  routes(filter?: DumpFilter): Promise<readonly Route[]>;
  neighbours(filter?: DumpFilter): Promise<readonly Neighbour[]>;
  fdb(filter?: DumpFilter): Promise<readonly FdbEntry[]>;
  /** The route that the kernel would use now (`ip route get`). @throws {NetlinkError} ENETUNREACH, … */
  routeTo(destination: Address): Promise<Route>;

  /**
   * Carries out operations in order, many per datagram. A failed one does not stop the others: the result
   * holds, at its index, `undefined` or the error.
   * @throws {SystemError} when the kernel dropped answers (`ENOBUFS`): what was done is not known, dump again
   */
  batch(operations: readonly Operation[]): Promise<readonly (NetlinkError | undefined)[]>;

  /** Carries out one operation. @throws {NetlinkError} */
  request(operation: Operation): Promise<void>;

  /** Reports changes from now on, until `signal` aborts or the iteration is left; see `subscribe` of this package. */
  subscribe(options: SubscriptionOptions): AsyncIterable<KernelEvent>;
}
