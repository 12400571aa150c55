import type { NetlinkExchange } from '@flannel-ts/native';
import { readAnswer } from './answers.ts';
import { AF, ARPHRD_ETHER, IFLA, NLM_F, NLMSG, RTM } from './constants.ts';
import { NetlinkError } from './errors.ts';
import { Attributes, readMessages } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';

/** A link by its name. */
export interface FoundLink {
  readonly index: number;
  /** Its packets have Ethernet headers. */
  readonly ethernet: boolean;
  /** A note of whoever made it (`ip link set … alias`), empty when there is none. */
  readonly alias: string;
}

/** struct nlmsghdr, struct ifinfomsg, IFLA_IFNAME. */
const REQUEST_BYTES = 64;
/** struct ifinfomsg */
const IFINFO_BYTES = 16;
const LONGEST_NAME_BYTES = 15;

/** Asks for one link (RTM_GETLINK without dump). @throws {NetlinkError} */
export function findLink(port: NetlinkExchange, name: string, sequence: number): FoundLink | undefined {
  if (name === '' || Buffer.byteLength(name) > LONGEST_NAME_BYTES) return undefined;
  const writer = new MessageWriter(REQUEST_BYTES);
  writer.begin(RTM.GETLINK, NLM_F.REQUEST, sequence);
  writer.u8(AF.UNSPEC);
  writer.zeros(15);
  writer.attributeText(IFLA.IFNAME, name);
  writer.end();
  const [answer] = readMessages(port.exchange(writer.datagram()));
  if (answer?.type === RTM.NEWLINK) {
    const { body } = answer;
    return {
      // struct ifinfomsg: family, device type, index.
      index: body.readInt32LE(4),
      ethernet: body.readUInt16LE(2) === ARPHRD_ETHER,
      alias: new Attributes(body, IFINFO_BYTES).text(IFLA.IFALIAS) ?? '',
    };
  }
  const operation = `link show ${name}`;
  const error = answer?.type === NLMSG.ERROR ? readAnswer(answer, () => operation) : undefined;
  if (error instanceof NetlinkError && error.code === 'ENODEV') return undefined;
  throw error ?? new Error(`${operation}: the kernel's answer cannot be read`);
}
