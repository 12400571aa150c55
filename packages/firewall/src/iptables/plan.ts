import { multicast, type FamilyRules } from '../wanted-rules.ts';

/** One chain of ours, and its jump from a built-in chain. */
export interface ChainPlan {
  readonly table: 'nat' | 'filter';
  readonly chain: string;
  /** The built-in chain that jumps to ours. */
  readonly parent: string;
  /** Marks every rule of ours, and those that upstream put into the built-in chain. */
  readonly comment: string;
  /** In order, as `iptables-save` prints them after `-A CHAIN `; `undefined`: chain and jump are not wanted. */
  readonly rules: readonly string[] | undefined;
}

const MASQUERADE = {
  table: 'nat',
  chain: 'FLANNEL-POSTRTG',
  parent: 'POSTROUTING',
  comment: 'flanneld masq',
};
const FORWARD = { table: 'filter', chain: 'FLANNEL-FWD', parent: 'FORWARD', comment: 'flanneld forward' };

/** The chains of one family, the same as upstream's. */
export function planChains(rules: FamilyRules): ChainPlan[] {
  return [
    { ...MASQUERADE, table: 'nat', rules: masqueradeRules(rules) },
    { ...FORWARD, table: 'filter', rules: forwardRules(rules) },
  ];
}

/** The one rule of the built-in chain. */
export function jumpRule({ chain, comment }: ChainPlan): string {
  return `${commentMatch(comment)} -j ${chain}`;
}

function masqueradeRules({ family, masquerade }: FamilyRules): string[] | undefined {
  if (!masquerade) return undefined;
  const comment = commentMatch(MASQUERADE.comment);
  const network = masquerade.network.toString();
  const subnet = masquerade.subnet.toString();
  const target = `-j MASQUERADE${masquerade.fullyRandom ? ' --random-fully' : ''}`;
  return [
    // kube-proxy marks what it masquerades itself.
    `-m mark --mark 0x4000/0x4000 ${comment} -j RETURN`,
    // Containers see each other's addresses.
    `-s ${subnet} -d ${network} ${comment} -j RETURN`,
    `-s ${network} -d ${subnet} ${comment} -j RETURN`,
    // They see those of outside hosts that have a route to them, too.
    `! -s ${network} -d ${subnet} ${comment} -j RETURN`,
    // The outside sees this host in place of its containers,
    `-s ${network} ! -d ${multicast(family)} ${comment} ${target}`,
    // and remote containers see it by an address that they can answer.
    `! -s ${network} -d ${network} ${comment} ${target}`,
  ];
}

function forwardRules({ forward }: FamilyRules): string[] | undefined {
  if (!forward) return undefined;
  const comment = commentMatch(FORWARD.comment);
  return [`-s ${forward.toString()} ${comment} -j ACCEPT`, `-d ${forward.toString()} ${comment} -j ACCEPT`];
}

function commentMatch(comment: string): string {
  return `-m comment --comment "${comment}"`;
}
