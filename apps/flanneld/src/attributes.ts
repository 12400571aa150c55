import type { Backend, Underlay } from '@flannel-ts/backend';
import type { Family } from '@flannel-ts/ip';
import type { LeaseAttributes } from '@flannel-ts/subnet';

/** Returns what this host publishes with its lease: its addresses of the enabled families, and the backend's data. */
export function attributesOf(
  { publicIp: { ipv4, ipv6 } }: Pick<Underlay, 'publicIp'>,
  { attributes }: Pick<Backend, 'attributes'>,
  families: readonly Family[],
): LeaseAttributes {
  const publicIp = {
    ipv4: families.includes(4) ? ipv4 : undefined,
    ipv6: families.includes(6) ? ipv6 : undefined,
  };
  return { publicIp, ...attributes };
}
