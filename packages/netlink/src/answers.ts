import { getSystemErrorName } from 'node:util';
import { NLM_F, NLMSG, NLMSGERR_ATTR_MSG } from './constants.ts';
import { NetlinkError } from './errors.ts';
import { Attributes, type RawMessage } from './message-reader.ts';
import { HEADER_BYTES } from './message-writer.ts';

/**
 * What NLMSG_ERROR or NLMSG_DONE says: `undefined` for success. Both start with a negative errno; an error
 * goes on with the request it is about (struct nlmsgerr, linux/netlink.h), whole or only its header.
 * @param operation - says what was asked, when it failed
 */
export function readAnswer(message: RawMessage, operation: () => string): NetlinkError | undefined {
  const errno = message.body.length >= 4 ? -message.body.readInt32LE(0) : 0;
  if (errno <= 0) return undefined;
  return new NetlinkError({
    operation: operation(),
    errno,
    code: getSystemErrorName(-errno),
    kernelText: message.flags & NLM_F.ACK_TLVS ? explanation(message) : undefined,
  });
}

/** The kernel's own words (NETLINK_EXT_ACK), behind the errno and the quoted request. */
function explanation({ type, flags, body }: RawMessage): string | undefined {
  if (type === NLMSG.DONE) return new Attributes(body, 4).text(NLMSGERR_ATTR_MSG);
  const whole = (flags & NLM_F.CAPPED) === 0 && body.length >= 8;
  const quoted = whole ? Math.min(body.readUInt32LE(4), body.length) : HEADER_BYTES;
  return new Attributes(body, 4 + ((quoted + 3) & ~3)).text(NLMSGERR_ATTR_MSG);
}
