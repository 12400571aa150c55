import { familyBits, type Address } from '@flannel-ts/ip';
import { readAnswer } from './answers.ts';
import { familyNumber } from './codec/family.ts';
import { decodeRoute } from './codec/route.ts';
import { NLMSG, NLM_F, RTA, RTM } from './constants.ts';
import type { Exchange } from './exchange.ts';
import { MessageWriter } from './message-writer.ts';
import type { Route } from './objects.ts';

/** struct nlmsghdr, struct rtmsg, RTA_DST with an IPv6 address. */
const REQUEST_BYTES = 48;

/** Asks for the route to one address (RTM_GETROUTE without dump). @throws {NetlinkError} */
export async function lookUpRoute(exchange: Exchange, destination: Address): Promise<Route> {
  const { family } = destination;
  const numbers = exchange.number(1);
  const writer = new MessageWriter(REQUEST_BYTES);
  writer.begin(RTM.GETROUTE, NLM_F.REQUEST, numbers.first);
  writer.u8(familyNumber(family));
  writer.u8(familyBits(family));
  writer.zeros(10);
  writer.attributeAddress(RTA.DST, destination);
  writer.end();
  const operation = `route get ${destination.toString()}`;
  let route: Route | undefined;
  let failure: Error | undefined;
  await exchange.converse(writer.datagram(), numbers, (message) => {
    if (message.type === NLMSG.ERROR) failure = readAnswer(message, () => operation);
    else route = decodeRoute(message);
    return true;
  });
  if (!route) throw failure ?? new Error(`${operation}: the kernel's answer cannot be read`);
  return route;
}
