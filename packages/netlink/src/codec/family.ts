import type { Family } from '@flannel-ts/ip';
import { AF } from '../constants.ts';

/** The kernel's number of an address family. */
export function familyNumber(family: Family): number {
  return family === 4 ? AF.INET : AF.INET6;
}

/** `undefined` for a family that this package does not know, such as MPLS. */
export function familyOf(number: number): Family | undefined {
  return number === AF.INET ? 4 : number === AF.INET6 ? 6 : undefined;
}
