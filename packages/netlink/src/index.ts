/**
 * rtnetlink: codec and connection for links, addresses, routes, neighbours and FDB entries.
 *
 * @packageDocumentation
 */
export type { NetlinkConnection } from './connection.ts';
export { createNetlink } from './create-netlink.ts';
export { describeOperation } from './describe-operation.ts';
export { NetlinkError } from './errors.ts';
export type { FoundLink } from './find-link.ts';
export { countOutgoingIpsecPolicies } from './ipsec.ts';
export type {
  DumpFilter,
  FdbEntry,
  KernelEvent,
  Link,
  LinkAddress,
  LinkDetail,
  Neighbour,
  Route,
  Scope,
  VxlanDetail,
} from './objects.ts';
export type { NewLink, NewRoute, Operation } from './operations.ts';
export { subscribe, type SubscriptionOptions, type SubscriptionTopic } from './subscribe.ts';
export { openSynchronousNetlink, type SynchronousNetlink } from './synchronous-netlink.ts';
