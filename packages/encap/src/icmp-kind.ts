import type { Family } from '@flannel-ts/ip';

/** What an ICMP message is, in words that both families share. */
export type IcmpKind =
  'echo-request' | 'echo-reply' | 'unreachable' | 'too-big' | 'time-exceeded' | 'parameter-problem' | 'other';

type Named = Exclude<IcmpKind, 'other'>;

/** IPv4's code of an unreachable message that is `too-big`: fragmentation needed and DF set. */
export const FRAGMENTATION_NEEDED = 4;

const UNREACHABLE_IPV4 = 3;

/** Types (RFC 792, RFC 4443). */
const TYPES: Readonly<Record<Family, Readonly<Record<Named, number>>>> = {
  4: {
    'echo-reply': 0,
    unreachable: UNREACHABLE_IPV4,
    'too-big': UNREACHABLE_IPV4,
    'echo-request': 8,
    'time-exceeded': 11,
    'parameter-problem': 12,
  },
  6: {
    unreachable: 1,
    'too-big': 2,
    'time-exceeded': 3,
    'parameter-problem': 4,
    'echo-request': 128,
    'echo-reply': 129,
  },
};

/** The other IPv4 messages that quote a packet: source quench and redirect. */
const QUENCH_AND_REDIRECT: readonly number[] = [4, 5];

export function icmpType(family: Family, kind: Named): number {
  return TYPES[family][kind];
}

export function icmpKind(family: Family, type: number, code: number): IcmpKind {
  const types = TYPES[family];
  switch (type) {
    case types['echo-request']:
      return 'echo-request';
    case types['echo-reply']:
      return 'echo-reply';
    case types['time-exceeded']:
      return 'time-exceeded';
    case types['parameter-problem']:
      return 'parameter-problem';
    case types['too-big']:
      return family === 4 && code !== FRAGMENTATION_NEEDED ? 'unreachable' : 'too-big';
    case types.unreachable:
      return 'unreachable';
    default:
      return 'other';
  }
}

/** Whether messages of a type are errors, which quote the packet that they are about. */
export function quotesPacket(family: Family, type: number): boolean {
  if (family === 6) return type < 128;
  return icmpKind(4, type, 0) === 'other' ? QUENCH_AND_REDIRECT.includes(type) : type !== 0 && type !== 8;
}
