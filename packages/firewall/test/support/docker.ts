import type { Family } from '@flannel-ts/ip';
import type { Namespace } from '@flannel-ts/lab';

/** A container behind `docker0`, without a published port. */
export interface DockerContainer {
  readonly family: Family;
  readonly address: string;
}

/**
 * Loads what an Engine 28 that filters with iptables has for a container of the default bridge: the structure of
 * `integration/network/bridge/iptablesdoc/generated` in moby.
 */
export async function loadDockerIptables(
  host: Namespace,
  variant: 'nft' | 'legacy',
  { family, address }: DockerContainer,
): Promise<void> {
  const rules = `*raw
-A PREROUTING -d ${address} ! -i docker0 -j DROP
COMMIT
*filter
:DOCKER-USER - [0:0]
:DOCKER-FORWARD - [0:0]
:DOCKER-CT - [0:0]
:DOCKER-BRIDGE - [0:0]
:DOCKER - [0:0]
-I FORWARD -j DOCKER-FORWARD
-I FORWARD -j DOCKER-USER
-A DOCKER-FORWARD -j DOCKER-CT
-A DOCKER-FORWARD -j DOCKER-BRIDGE
-A DOCKER-FORWARD -i docker0 -j ACCEPT
-A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A DOCKER-BRIDGE -o docker0 -j DOCKER
-A DOCKER ! -i docker0 -o docker0 -j DROP
COMMIT
`;
  const program = `${family === 4 ? 'iptables' : 'ip6tables'}-${variant}-restore`;
  await host.run('sh', '-c', `${program} -w 5 --noflush <<'END'\n${rules}END`);
}

export interface DockerNftablesOptions {
  /** `--bridge-accept-fwmark`, in nft's words: `meta mark & 0xf0 == 0x20`. */
  readonly acceptMark?: string;
  /** `--allow-direct-routing` */
  readonly directRouting?: boolean;
}

/**
 * Loads the table of an Engine 29 that filters with nftables, for a container of the default bridge: the structure of
 * `integration/network/bridge/nftablesdoc/generated` in moby, in place of an earlier one.
 */
export async function loadDockerNftables(
  host: Namespace,
  { family, address }: DockerContainer,
  { acceptMark, directRouting = false }: DockerNftablesOptions = {},
): Promise<void> {
  const ip = family === 4 ? 'ip' : 'ip6';
  const table = `${ip} docker-bridges`;
  await host.run(
    'nft',
    `add table ${table}
delete table ${table}
table ${table} {
  map filter-forward-in-jumps {
    type ifname : verdict
    elements = { "docker0" : jump filter-forward-in__docker0 }
  }
  map filter-forward-out-jumps {
    type ifname : verdict
    elements = { "docker0" : jump filter-forward-out__docker0 }
  }
  chain filter-FORWARD {
    type filter hook forward priority filter; policy accept;
    oifname vmap @filter-forward-in-jumps
    iifname vmap @filter-forward-out-jumps
  }
  chain raw-PREROUTING {
    type filter hook prerouting priority raw; policy accept;
    ${directRouting ? '' : `${ip} daddr ${address} iifname != "docker0" counter drop comment "DROP DIRECT ACCESS"`}
  }
  chain filter-forward-in__docker0 {
    ct state established,related counter accept
    ${acceptMark ? `${acceptMark} counter accept comment "ALLOW FW MARK"` : ''}
    iifname "docker0" counter accept comment "ICC"
    counter drop comment "UNPUBLISHED PORT DROP"
  }
  chain filter-forward-out__docker0 {
    ct state established,related counter accept
    counter accept comment "OUTGOING"
  }
}`,
  );
}
