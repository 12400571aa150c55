import { openNetlinkExchange } from '@flannel-ts/native';
import { NETLINK_XFRM, NLM_F, XFRM_MSG } from './constants.ts';
import { readMessages } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';

/** struct nlmsghdr and flags. */
const REQUEST_BYTES = 16 + 4;
/**
 * Behind the flags an attribute with struct xfrmu_spdinfo, whose second 32-bit number counts
 * policies for outgoing packets.
 */
const OUTGOING_POLICIES = 4 + 4 + 4;

/**
 * Returns how many IPsec policies this thread's network namespace has for outgoing packets
 * (`ip xfrm policy`); none where the kernel has no IPsec.
 * @throws {SystemError}
 */
export function countOutgoingIpsecPolicies(): number {
  const writer = new MessageWriter(REQUEST_BYTES);
  writer.begin(XFRM_MSG.GETSPDINFO, NLM_F.REQUEST, 1);
  writer.u32(0);
  writer.end();
  try {
    using port = openNetlinkExchange(NETLINK_XFRM);
    const [answer] = readMessages(port.exchange(writer.datagram()));
    // Another message is the error of a kernel without IPsec.
    return answer?.type === XFRM_MSG.NEWSPDINFO ? answer.body.readUInt32LE(OUTGOING_POLICIES) : 0;
  } catch (error) {
    // A kernel without IPsec has no such sockets.
    if ((error as { code?: string }).code === 'EPROTONOSUPPORT') return 0;
    throw error;
  }
}
