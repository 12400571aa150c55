import { getSystemErrorName } from 'node:util';
import { NLM_F, NLMSGERR_ATTR_MSG } from './constants.ts';
import { NetlinkError } from './errors.ts';
import { Attributes, type RawMessage } from './message-reader.ts';

/**
 * What NLMSG_ERROR or NLMSG_DONE says (struct nlmsgerr): `undefined` for success.
 * @param operation - says what was asked, when it failed
 */
export function readAnswer({ flags, body }: RawMessage, operation: () => string): NetlinkError | undefined {
  const errno = body.length >= 4 ? -body.readInt32LE(0) : 0;
  if (errno === 0) return undefined;
  return new NetlinkError({
    operation: operation(),
    errno,
    code: getSystemErrorName(-errno),
    kernelText: flags & NLM_F.ACK_TLVS ? explanation(flags, body) : undefined,
  });
}

/** The kernel's own words (NETLINK_EXT_ACK), behind the error and the quoted request. */
function explanation(flags: number, body: Buffer): string | undefined {
  const quoted = flags & NLM_F.CAPPED || body.length < 8 ? 16 : body.readUInt32LE(4);
  return new Attributes(body, 4 + ((quoted + 3) & ~3)).text(NLMSGERR_ATTR_MSG);
}
