import { decodeAddress } from './codec/address.ts';
import { decodeLink } from './codec/link.ts';
import { decodeFdbEntry, decodeNeighbour } from './codec/neighbour.ts';
import { decodeRoute } from './codec/route.ts';
import { RTM } from './constants.ts';
import type { RawMessage } from './message-reader.ts';
import type { KernelEvent } from './objects.ts';

/** What a multicast message reports; `undefined` when this package does not know its type or family. */
export function decodeEvent(message: RawMessage): KernelEvent | undefined {
  switch (message.type) {
    case RTM.NEWLINK:
    case RTM.DELLINK: {
      const link = decodeLink(message);
      return link && { kind: 'link', change: message.type === RTM.NEWLINK ? 'put' : 'removed', link };
    }
    case RTM.NEWADDR:
    case RTM.DELADDR: {
      const change = message.type === RTM.NEWADDR ? 'put' : 'removed';
      const address = decodeAddress(message);
      return address && { kind: 'address', change, address };
    }
    case RTM.NEWROUTE:
    case RTM.DELROUTE: {
      const route = decodeRoute(message);
      return route && { kind: 'route', change: message.type === RTM.NEWROUTE ? 'put' : 'removed', route };
    }
    case RTM.NEWNEIGH:
    case RTM.DELNEIGH: {
      const change = message.type === RTM.NEWNEIGH ? 'put' : 'removed';
      const entry = decodeFdbEntry(message);
      if (entry) return { kind: 'fdb', change, entry };
      const neighbour = decodeNeighbour(message);
      return neighbour && { kind: 'neighbour', change, neighbour };
    }
    default:
      return undefined;
  }
}
