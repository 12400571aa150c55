/** Why a firewall tool could not do its work. */
export type FirewallToolProblem =
  'missing' | 'stuck' | 'locked' | 'no-permission' | 'unsupported' | 'refused';

/** A firewall tool failed; the message says what to install or do. */
export class FirewallToolError extends Error {
  readonly problem: FirewallToolProblem;
  /** The program: `ip6tables-restore`, `nft`. */
  readonly program: string;
  /** What it wrote to standard error. */
  readonly output: string;

  constructor(program: string, problem: FirewallToolProblem, output: string, options?: ErrorOptions) {
    const said = output.trim().split('\n')[0]!;
    super(`${program} ${explain(program, problem)}${said && `: ${said}`}`, options);
    this.name = 'FirewallToolError';
    this.problem = problem;
    this.program = program;
    this.output = output;
  }
}

/** What the tools' words mean; both variants of iptables and nft say it differently. */
const WORDS: readonly (readonly [RegExp, FirewallToolProblem])[] = [
  [/xtables lock/i, 'locked'],
  [/permission denied|operation not permitted/i, 'no-permission'],
  [
    /table does not exist|insmod|not supported by protocol|(operation|protocol) not supported/i,
    'unsupported',
  ],
];

export function classify(output: string): FirewallToolProblem {
  return WORDS.find(([words]) => words.test(output))?.[1] ?? 'refused';
}

function explain(program: string, problem: FirewallToolProblem): string {
  const family = program.startsWith('ip6') ? 'ip6' : 'ip';
  switch (problem) {
    case 'missing':
      return `is not in PATH; install the package ${program === 'nft' ? 'nftables' : 'iptables'}`;
    case 'stuck':
      return 'did not end in time and was killed; see what keeps it: dmesg, fuser -v /run/xtables.lock';
    case 'locked':
      return 'waited in vain for the lock of iptables; see who holds it with: fuser -v /run/xtables.lock';
    case 'no-permission':
      return 'may not change the firewall; run as root or with CAP_NET_ADMIN and CAP_NET_RAW';
    case 'unsupported':
      return program === 'nft'
        ? 'does not find nf_tables in the kernel; load it (modprobe nf_tables nft_chain_nat nft_masq) or use iptables'
        : `does not find its tables in the kernel; load them (modprobe ${family}table_nat ${family}table_filter) or switch to the other iptables with update-alternatives`;
    case 'refused':
      return 'failed';
  }
}
