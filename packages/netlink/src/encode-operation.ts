import { writeAddress } from './codec/address.ts';
import { writeLinkChange, writeLinkIndex, writeNewLink } from './codec/link.ts';
import { writeFdbEntry, writeNeighbour } from './codec/neighbour.ts';
import { writeRoute, writeRouteMatch } from './codec/route.ts';
import { NLM_F, RTM } from './constants.ts';
import type { MessageWriter } from './message-writer.ts';
import type { Operation } from './operations.ts';

/** Bytes that no operation exceeds; the largest sets the alias of a link. */
export const LARGEST_OPERATION_BYTES = 512;

const CREATE = NLM_F.CREATE | NLM_F.EXCL;
const PUT = NLM_F.CREATE | NLM_F.REPLACE;

/** Appends one operation as one message. @throws {RangeError} for a MAC address that is none. */
export function encodeOperation(writer: MessageWriter, operation: Operation, sequence: number): void {
  const { type, flags } = MESSAGES[operation.op];
  writer.begin(type, NLM_F.REQUEST | flags, sequence);
  writeBody(writer, operation);
  writer.end();
}

const MESSAGES: Readonly<Record<Operation['op'], { readonly type: number; readonly flags: number }>> = {
  'create-link': { type: RTM.NEWLINK, flags: CREATE },
  'set-link': { type: RTM.SETLINK, flags: 0 },
  'delete-link': { type: RTM.DELLINK, flags: 0 },
  'put-address': { type: RTM.NEWADDR, flags: PUT },
  'delete-address': { type: RTM.DELADDR, flags: 0 },
  'put-route': { type: RTM.NEWROUTE, flags: PUT },
  'delete-route': { type: RTM.DELROUTE, flags: 0 },
  'put-neighbour': { type: RTM.NEWNEIGH, flags: PUT },
  'delete-neighbour': { type: RTM.DELNEIGH, flags: 0 },
  'put-fdb': { type: RTM.NEWNEIGH, flags: PUT },
  'delete-fdb': { type: RTM.DELNEIGH, flags: 0 },
};

function writeBody(writer: MessageWriter, operation: Operation): void {
  switch (operation.op) {
    case 'create-link':
      writeNewLink(writer, operation.link);
      break;
    case 'set-link':
      writeLinkChange(writer, operation);
      break;
    case 'delete-link':
      writeLinkIndex(writer, operation.index);
      break;
    case 'put-address':
    case 'delete-address':
      writeAddress(writer, operation.address);
      break;
    case 'put-route':
      writeRoute(writer, operation.route);
      break;
    case 'delete-route':
      writeRouteMatch(writer, operation.route);
      break;
    case 'put-neighbour':
    case 'delete-neighbour':
      writeNeighbour(writer, operation.neighbour);
      break;
    case 'put-fdb':
    case 'delete-fdb':
      writeFdbEntry(writer, operation.entry);
      break;
  }
}
