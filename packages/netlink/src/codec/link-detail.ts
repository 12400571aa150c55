import type { Address } from '@flannel-ts/ip';
import { IFLA_INFO, IFLA_TUN_PERSIST, IFLA_VXLAN } from '../constants.ts';
import type { Attributes } from '../message-reader.ts';
import type { LinkDetail } from '../objects.ts';

/** IFLA_LINKINFO: a link's kind and the attributes of that kind; hardware has neither. */
export function decodeDetail(info: Attributes | undefined): LinkDetail {
  const kind = info?.text(IFLA_INFO.KIND);
  const data = info?.nested(IFLA_INFO.DATA);
  switch (kind) {
    case undefined:
      return { kind: 'physical' };
    case 'bridge':
    case 'veth':
      return { kind };
    case 'tun':
      return { kind, persistent: data?.u8(IFLA_TUN_PERSIST) === 1 };
    case 'vxlan':
      return {
        kind,
        vni: data?.u32(IFLA_VXLAN.ID) ?? 0,
        port: data?.u16BE(IFLA_VXLAN.PORT) ?? 0,
        local: specified(data?.address(IFLA_VXLAN.LOCAL) ?? data?.address(IFLA_VXLAN.LOCAL6)),
        group: specified(data?.address(IFLA_VXLAN.GROUP) ?? data?.address(IFLA_VXLAN.GROUP6)),
        learning: data?.u8(IFLA_VXLAN.LEARNING) === 1,
        l2miss: data?.u8(IFLA_VXLAN.L2MISS) === 1,
        gbp: data?.has(IFLA_VXLAN.GBP) ?? false,
      };
    default:
      return { kind: 'other', name: kind };
  }
}

function specified(address: Address | undefined): Address | undefined {
  return address?.value === 0n ? undefined : address;
}
