import type { Address, Family, Prefix } from '@flannel-ts/ip';
import type { GuardedTunnel } from '../desired-rules.ts';

/** A table of nftables. */
export interface GuardTable {
  readonly family: Family;
  /** `flannel-guard-10.5.0.0-16` */
  readonly name: string;
}

/** What guards a tunnel, but for the peers. */
export type GuardPlan = GuardTable & Pick<GuardedTunnel, 'port' | 'underlay' | 'onlyPeersVni'>;

const PREFIX = 'flannel-guard-';

/**
 * After conntrack has put fragments together (-400), where it is in use, and before raw (-300), conntrack (-200) and
 * all NAT. Elsewhere the first fragment is dropped, which has the ports: without it, the others are no datagram.
 */
const PRIORITY = -350;

/** As many sources are counted by name at once, for so long after their last packet. */
const COUNTED = 'size 256; flags dynamic,timeout; timeout 10m;';

/** Returns the name of the table for the tunnel of a network. */
export function guardName(network: Prefix): string {
  return `${PREFIX}${network.toString().replaceAll(':', '_').replace('/', '-')}`;
}

export function isGuardName(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** Returns how nft names the table. */
export function tableText({ family, name }: GuardTable): string {
  return `${ipOf(family)} ${name}`;
}

/**
 * Returns one transaction that puts a table in the place of an earlier one of that name. What it drops stays dropped,
 * whatever other tables or iptables accept.
 */
export function replaceTable(plan: GuardPlan, peers: Iterable<string>): string {
  const table = tableText(plan);
  return `add table ${table}\ndelete table ${table}\n${createTable(plan, [...peers])}`;
}

/** Returns one transaction that changes the peers of a table, or an empty text. */
export function changePeers(
  table: GuardTable,
  { add, remove }: { readonly add: readonly Address[]; readonly remove: readonly Address[] },
): string {
  const change = (action: string, peers: readonly Address[]) =>
    peers.length > 0 ? `${action} element ${tableText(table)} peers { ${peers.join(', ')} }\n` : '';
  return change('add', add) + change('delete', remove);
}

export function deleteTable(table: GuardTable): string {
  return `delete table ${tableText(table)}`;
}

function createTable(plan: GuardPlan, peers: readonly string[]): string {
  const { family, underlay, port, onlyPeersVni: vni } = plan;
  const ip = ipOf(family);
  const type = `type ipv${family}_addr;`;
  const elements = peers.length > 0 ? ` elements = { ${peers.join(', ')} };` : '';
  const toThisHost =
    vni === undefined
      ? ''
      : `  set no-lease { ${type} ${COUNTED} }
  chain drop-no-lease {
    update @no-lease { ${ip} saddr counter }
    counter drop
  }
  chain input {
    type filter hook input priority ${PRIORITY}; policy accept;
    iifname != "lo" udp dport ${port} @th,96,24 ${vni} ${ip} saddr != @peers goto drop-no-lease
  }
`;
  return `table ${tableText(plan)} {
  set peers { ${type}${elements} }
  set other-interface { ${type} ${COUNTED} }
  chain drop-other-interface {
    update @other-interface { ${ip} saddr counter }
    counter drop
  }
  chain from-other-interface {
    ${ip} saddr @peers fib saddr . iif oif != 0 accept comment "a peer that is reached by that interface"
    ${ip} daddr @peers goto drop-other-interface
${vni === undefined ? '' : `    ${ip} saddr @peers goto drop-other-interface\n`}  }
  chain prerouting {
    type filter hook prerouting priority ${PRIORITY}; policy accept;
    iifname != { "lo", "${underlay}" } udp dport ${port} goto from-other-interface
  }
${toThisHost}}
`;
}

function ipOf(family: Family): 'ip' | 'ip6' {
  return family === 4 ? 'ip' : 'ip6';
}
