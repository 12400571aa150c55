import type { NetlinkPort, NetlinkPortOptions } from '@flannel-ts/native';
import { RTNLGRP } from './constants.ts';
import type { KernelEvent } from './objects.ts';
import { readEvents } from './subscription.ts';

const GROUPS: Readonly<Record<SubscriptionTopic, readonly number[]>> = {
  link: [RTNLGRP.LINK],
  address: [RTNLGRP.IPV4_IFADDR, RTNLGRP.IPV6_IFADDR],
  route: [RTNLGRP.IPV4_ROUTE, RTNLGRP.IPV6_ROUTE],
  neighbour: [RTNLGRP.NEIGH],
};
const EVERYTHING = Object.keys(GROUPS) as SubscriptionTopic[];

export type SubscriptionTopic = 'link' | 'address' | 'route' | 'neighbour';

export interface SubscriptionOptions {
  readonly signal?: AbortSignal;
  /** What is reported. FDB entries come with neighbours. @default everything */
  readonly of?: readonly SubscriptionTopic[];
}

/**
 * Reports changes of the kernel's tables from now on, until `signal` aborts or the iteration is
 * left. It has a socket of its own and needs no connection.
 *
 * @param components.openPort - opens the socket in the namespace that is meant, as for
 *   `createNetlink`
 * @throws {SystemError} when there is no socket for it
 */
export function subscribe(
  components: { readonly openPort: (options: NetlinkPortOptions) => NetlinkPort },
  { signal, of = EVERYTHING }: SubscriptionOptions,
): AsyncIterable<KernelEvent> {
  return readEvents(components.openPort({ groups: of.flatMap((topic) => GROUPS[topic]) }), signal);
}
