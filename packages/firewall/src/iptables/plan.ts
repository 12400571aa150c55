import { multicast, type FamilyRules } from '../family-rules.ts';
import { ingressRules, rawRules } from './plan-ingress.ts';

export type TableName = 'nat' | 'filter' | 'raw';

/** One chain of ours, and its jump from another chain. */
export interface ChainPlan {
  readonly table: TableName;
  readonly chain: string;
  /** The chain of others that jumps to ours. */
  readonly parent: string;
  /** The jump is the first rule of `parent`, and no other chain jumps to ours; else it stands where it is found. */
  readonly first: boolean;
  /** Marks every rule of ours, and those that upstream put into the built-in chain. */
  readonly comment: string;
  /** Which rules are ours; see {@link FamilyRules.owned}. */
  readonly owned: FamilyRules['owned'];
  /** In order, as `iptables-save` prints them after `-A CHAIN `; `undefined`: chain and jump are not desired. */
  readonly rules: readonly string[] | undefined;
}

const MASQUERADE = {
  table: 'nat',
  chain: 'FLANNEL-POSTRTG',
  parent: 'POSTROUTING',
  first: false,
  comment: 'flanneld masq',
} as const;
const FORWARD = {
  table: 'filter',
  chain: 'FLANNEL-FWD',
  parent: 'FORWARD',
  first: false,
  comment: 'flanneld forward',
} as const;
const INGRESS = {
  table: 'filter',
  chain: 'FLANNEL-INGRESS',
  first: true,
  comment: 'flanneld ingress',
} as const;
const RAW = {
  table: 'raw',
  chain: 'FLANNEL-RAW',
  parent: 'PREROUTING',
  first: true,
  comment: 'flanneld ingress',
} as const;

/** The chain that Docker leaves to operators: it is called before Docker's own, which drop. */
export const DOCKER_USER = 'DOCKER-USER';

/**
 * Plans the chains of one family: two that are the same as upstream's, and two in front of other programs' rules.
 * @param docker - whether FORWARD jumps to {@link DOCKER_USER}
 */
export function planChains(rules: FamilyRules, docker: boolean): ChainPlan[] {
  const { owned } = rules;
  return [
    { ...MASQUERADE, owned, rules: masqueradeRules(rules) },
    { ...FORWARD, owned, rules: forwardRules(rules) },
    {
      ...INGRESS,
      parent: docker ? DOCKER_USER : 'FORWARD',
      owned,
      rules: rules.ingress && ingressRules(rules.ingress, { docker, comment: commentMatch(INGRESS.comment) }),
    },
    { ...RAW, owned, rules: rules.ingress && rawRules(rules.ingress, commentMatch(RAW.comment)) },
  ];
}

/** The one rule of the parent. */
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
