import { isAnywhere, type Ingress } from '../family-rules.ts';

/** Packets that no host asked for: no answer, nothing related, no published port. */
const UNREQUESTED = '-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT';

/**
 * Rules of the filter table for packets to this host's subnet, in front of Docker's.
 * @param options.docker - whether Docker filters with iptables: only then what comes from outside is dropped, since
 *   elsewhere others may have routes to containers, as upstream lets them
 */
export function ingressRules(ingress: Ingress, options: { docker: boolean; comment: string }): string[] {
  const { network, subnet, outside, protect, accept } = ingress;
  const { docker, comment } = options;
  return [
    ...fromOverlay(ingress).map((match) => `${match} ${comment} -j ${accept ? 'ACCEPT' : 'RETURN'}`),
    ...(docker && outside
      ? [`-d ${network.toString()} -i ${outside} ${UNREQUESTED} ${comment} -j DROP`]
      : []),
    ...(protect
      ? [
          `${isAnywhere(subnet) ? '' : `-d ${subnet.toString()} `}! -i ${protect} -o ${protect} ${UNREQUESTED} ${comment} -j DROP`,
        ]
      : []),
  ];
}

/** Rules of the raw table: Docker 28 drops there what comes for a container by another interface than its bridge. */
export function rawRules(ingress: Ingress, comment: string): string[] | undefined {
  const { accept, mark } = ingress;
  if (!accept || ingress.sources.length === 0) return undefined;
  return fromOverlay(ingress).flatMap((match) => [
    ...(mark ? [`${match} ${comment} -j MARK --set-xmark ${hex(mark.value)}/${hex(mark.mask)}`] : []),
    `${match} ${comment} -j ACCEPT`,
  ]);
}

/** What arrives from other hosts' containers. */
function fromOverlay({ subnet, sources }: Ingress): string[] {
  return sources.flatMap(({ interface: name, from }) =>
    from.map((source) => `-s ${source.toString()} -d ${subnet.toString()} -i ${name}`),
  );
}

function hex(bits: number): string {
  return `0x${bits.toString(16)}`;
}
