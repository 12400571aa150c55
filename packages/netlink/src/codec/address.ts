import { familyBits } from '@flannel-ts/ip';
import { IFA, RT_SCOPE } from '../constants.ts';
import { Attributes, type RawMessage } from '../message-reader.ts';
import type { MessageWriter } from '../message-writer.ts';
import type { LinkAddress } from '../objects.ts';
import { familyNumber } from './family.ts';
import { scopeName } from './scope.ts';

/**
 * struct ifaddrmsg (linux/if_addr.h), then IFA_ attributes:
 *
 *      0        1        2        3
 *     +--------+--------+--------+--------+
 *     | family | length | flags  | scope  |
 *     | index of the link                 |
 *     +--------+--------+--------+--------+
 */
const HEADER = 8;

export function decodeAddress({ body }: RawMessage): LinkAddress | undefined {
  if (body.length < HEADER) return undefined;
  const attributes = new Attributes(body, HEADER);
  // On a point-to-point link IFA_ADDRESS is the far end. IPv6 has IFA_LOCAL only there.
  const address = attributes.address(IFA.LOCAL) ?? attributes.address(IFA.ADDRESS);
  const prefixLength = body.readUInt8(1);
  if (!address || prefixLength > familyBits(address.family)) return undefined;
  return { linkIndex: body.readUInt32LE(4), address, prefixLength, scope: scopeName(body.readUInt8(3)) };
}

export function writeAddress(writer: MessageWriter, value: LinkAddress): void {
  const { address, prefixLength, scope, linkIndex } = value;
  writer.u8(familyNumber(address.family));
  writer.u8(prefixLength);
  writer.u8(0);
  writer.u8(RT_SCOPE[scope]);
  writer.u32(linkIndex);
  writer.attributeAddress(IFA.LOCAL, address);
  writer.attributeAddress(IFA.ADDRESS, address);
}
