import { tryParseAddress } from '@flannel-ts/ip';
import { FirewallToolError } from './errors.ts';
import type { FirewallOptions } from './firewall.ts';
import type { RunProgram } from './tool.ts';
import type { FamilyRules, Ingress } from './family-rules.ts';
import type { PacketMark } from './desired-rules.ts';

/** Another program's rules keep packets of the overlay from containers; the message says what an operator must do. */
export class ObstacleError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ObstacleError';
  }
}

/** Table of Docker's nftables backend (Engine 29 and later), of both families. */
const DOCKER_TABLE = 'docker-bridges';
/** A mark to propose: a bit that neither Kubernetes nor Docker's own overlay networks use. */
const PROPOSED_MARK: PacketMark = { value: 0x10_0000, mask: 0x10_0000 };

/**
 * Looks for rules of Docker that none of ours can override.
 * @throws {FirewallToolError}
 */
export async function findObstacles(
  run: RunProgram,
  rules: FamilyRules,
  { tool }: Pick<FirewallOptions, 'tool'>,
): Promise<Error[]> {
  if (!rules.ingress?.accept) return [];
  const family = rules.family === 4 ? 'ip' : 'ip6';
  const docker = await listIfThere(run, ['table', family, DOCKER_TABLE]);
  if (docker !== undefined) return dockerNftables(docker, rules.ingress);
  if (tool === 'iptables' || !(await listIfThere(run, ['chain', family, 'filter', 'DOCKER-USER']))) return [];
  return (await isInstalled(run, family === 'ip' ? 'iptables-save' : 'ip6tables-save'))
    ? []
    : [
        new ObstacleError(
          'Docker filters with iptables and drops connections from other hosts’ containers; the rules that accept them need iptables: install the package iptables',
        ),
      ];
}

/** What Docker's own rules lack. A network of flannel's own is opened by Docker itself. */
function dockerNftables(listing: string, { mark, protect, subnet }: Ingress): Error[] {
  if (protect) return [];
  const { value, mask } = mark ?? PROPOSED_MARK;
  const text = `0x${value.toString(16)}/0x${mask.toString(16)}`;
  const dockerd = `--bridge-accept-fwmark=${text} --allow-direct-routing`;
  const drops = 'Docker filters with nftables and drops connections from other hosts’ containers';
  if (!mark)
    return [
      new ObstacleError(
        `${drops}: start flanneld with --docker-accept-fwmark=${text} and dockerd with ${dockerd}`,
      ),
    ];
  const closed = [...listing.matchAll(/ip6? daddr (\S+) iifname .*\bdrop\b/g)].some(([, text]) => {
    const address = tryParseAddress(text!);
    return address && subnet.contains(address);
  });
  const lacking = closed || !listing.includes('meta mark');
  return lacking ? [new ObstacleError(`${drops}: start dockerd with ${dockerd}`)] : [];
}

async function listIfThere(run: RunProgram, what: readonly string[]): Promise<string | undefined> {
  return run(['nft', 'list', ...what]).catch((error: unknown) => {
    if (error instanceof FirewallToolError) return undefined;
    throw error;
  });
}

async function isInstalled(run: RunProgram, program: string): Promise<boolean> {
  return run([program, '--version']).then(
    () => true,
    (error: unknown) => {
      if (error instanceof FirewallToolError) return error.problem !== 'missing';
      throw error;
    },
  );
}
