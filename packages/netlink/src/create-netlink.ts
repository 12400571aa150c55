import type { NetlinkPort, NetlinkPortOptions } from '@flannel-ts/native';
import { runBatch } from './batch.ts';
import type { NetlinkConnection } from './connection.ts';
import { dump } from './dump.ts';
import { createExchange } from './exchange.ts';
import { lookUpRoute } from './look-up-route.ts';
import { subscribe } from './subscribe.ts';
import { ADDRESSES, FDB, LINKS, NEIGHBOURS, ROUTES } from './tables.ts';

/**
 * Opens a connection to the kernel's routing netlink. It keeps the process alive until it is disposed of;
 * subscriptions have sockets of their own and end by themselves.
 *
 * @param components.openPort - opens a socket in the namespace that is meant: `openNetlinkPort` of
 *   `@flannel-ts/native` for this process's own
 */
export function createNetlink(components: {
  readonly openPort: (options?: NetlinkPortOptions) => NetlinkPort;
}): NetlinkConnection {
  const exchange = createExchange(components.openPort());
  return {
    links: () => dump(exchange, LINKS, {}),
    addresses: (filter = {}) => dump(exchange, ADDRESSES, filter),
    routes: (filter = {}) => dump(exchange, ROUTES, filter),
    neighbours: (filter = {}) => dump(exchange, NEIGHBOURS, filter),
    fdb: (filter = {}) => dump(exchange, FDB, filter),
    routeTo: (destination) => lookUpRoute(exchange, destination),
    batch: (operations) => runBatch(exchange, operations),
    async request(operation) {
      const [error] = await runBatch(exchange, [operation]);
      if (error) throw error;
    },
    subscribe: (options) => subscribe(components, options),
    async [Symbol.asyncDispose]() {
      exchange[Symbol.dispose]();
    },
  };
}
