import type { NetlinkPort, NetlinkPortOptions } from '@flannel-ts/native';
import { runBatch } from './batch.ts';
import type { NetlinkConnection } from './connection.ts';
import { RTNLGRP } from './constants.ts';
import { decodeAddress, decodeFdbEntry, decodeLink, decodeNeighbour, decodeRoute } from './decode.ts';
import { ADDRESSES, dump, FDB, LINKS, lookUpRoute, NEIGHBOURS, ROUTES } from './dump.ts';
import { createExchange } from './exchange.ts';
import { readEvents } from './subscription.ts';

/**
 * Opens a connection to the kernel's routing netlink.
 *
 * @param components.openPort - opens a socket in the namespace that is meant: `openNetlinkPort` of
 *   `@flannel-ts/native` for this process's own
 */
export function createNetlink(components: {
  readonly openPort: (options?: NetlinkPortOptions) => NetlinkPort;
}): NetlinkConnection {
  const exchange = createExchange(components.openPort());
  return {
    links: () => dump(exchange, LINKS, {}, decodeLink),
    addresses: (filter = {}) => dump(exchange, ADDRESSES, filter, decodeAddress),
    routes: (filter = {}) => dump(exchange, ROUTES, filter, decodeRoute),
    neighbours: (filter = {}) => dump(exchange, NEIGHBOURS, filter, decodeNeighbour),
    fdb: (filter = {}) => dump(exchange, FDB, filter, decodeFdbEntry),
    async routeTo(destination) {
      const route = decodeRoute(await lookUpRoute(exchange, destination));
      if (!route) throw new Error(`the kernel's route to ${destination.toString()} cannot be read`);
      return route;
    },
    batch: (operations) => runBatch(exchange, operations),
    async request(operation) {
      const [error] = await runBatch(exchange, [operation]);
      if (error) throw error;
    },
    // The port is opened here and not at the first read: no change from now on is missed.
    subscribe: ({ signal }) => readEvents(components.openPort({ groups: Object.values(RTNLGRP) }), signal),
    [Symbol.asyncDispose]() {
      exchange[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}
