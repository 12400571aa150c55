// What upstream's daemon does to a host when it starts, and leaves there, in the words of the compatibility contract.
import type { Host } from '@flannel-ts/lab';

const NETWORK = '10.5.0.0/16';
const DEVICE = 'flannel.1';

/** A peer as upstream's daemon knows it from its lease. */
export interface UpstreamPeer {
  /** `10.5.69.0/24` */
  readonly subnet: string;
  readonly publicIp: string;
  /** MAC address of its VTEP; of vxlan alone. */
  readonly mac?: string | undefined;
}

/** What upstream compares of a VXLAN device, as `ip -details -json link` shows it. */
interface VxlanLink {
  readonly ifname: string;
  readonly address: string;
  readonly linkinfo: { readonly info_data: Readonly<Record<string, unknown>> };
}

/** Adopts a device that has all that upstream compares, or makes one anew. @returns its MAC address */
export async function ensureUpstreamVxlan(host: Host, subnet: string): Promise<string> {
  const local = host.address;
  const present = await readVxlan(host);
  if (!present || !isCompatible(present, local)) {
    if (present) await host.run('ip', 'link', 'delete', DEVICE);
    const fixed = `id 1 local ${local} dev eth0 dstport 8472 nolearning`.split(' ');
    await host.run('ip', 'link', 'add', DEVICE, 'mtu', '1450', 'txqueuelen', '0', 'type', 'vxlan', ...fixed);
  }
  await host.run('ip', 'address', 'replace', `${baseOf(subnet)}/32`, 'dev', DEVICE);
  await host.run('ip', 'link', 'set', DEVICE, 'up');
  return (await readVxlan(host))!.address;
}

async function readVxlan(host: Host): Promise<VxlanLink | undefined> {
  const links = await host.json<VxlanLink[]>('ip', '-details', '-json', 'link', 'show', 'type', 'vxlan');
  return links.find(({ ifname }) => ifname === DEVICE);
}

function isCompatible({ linkinfo: { info_data: data } }: VxlanLink, local: string): boolean {
  const { id, link, port } = data;
  const same = id === 1 && link === 'eth0' && data['local'] === local && port === 8472;
  return same && !data['group'] && !data['l2miss'] && !data['gbp'];
}

export async function addUpstreamVxlanPeer(
  host: Host,
  { subnet, publicIp, mac }: UpstreamPeer,
): Promise<void> {
  const base = baseOf(subnet);
  const commands = [
    `ip neighbour replace ${base} lladdr ${mac!} dev ${DEVICE} nud permanent`,
    `bridge fdb replace ${mac!} dst ${publicIp} dev ${DEVICE} self permanent`,
    `ip route replace ${subnet} via ${base} dev ${DEVICE} onlink`,
  ];
  for (const command of commands) await host.run(...command.split(' '));
}

export async function addUpstreamHostGwPeer(host: Host, { subnet, publicIp }: UpstreamPeer): Promise<void> {
  await host.run('ip', 'route', 'replace', subnet, 'via', publicIp, 'dev', 'eth0');
}

/**
 * Empties upstream's chains and fills them: its rules for forwarding, and with `--ip-masq` for masquerading.
 * @param program - which of the host's iptables
 */
export async function applyUpstreamRules(host: Host, subnet: string, program = 'iptables'): Promise<void> {
  const masquerade = [
    '-m mark --mark 0x4000/0x4000 -j RETURN',
    `-s ${subnet} -d ${NETWORK} -j RETURN`,
    `-s ${NETWORK} -d ${subnet} -j RETURN`,
    `! -s ${NETWORK} -d ${subnet} -j RETURN`,
    `-s ${NETWORK} ! -d 224.0.0.0/4 -j MASQUERADE --random-fully`,
    `! -s ${NETWORK} -d ${NETWORK} -j MASQUERADE --random-fully`,
  ];
  const forward = [`-s ${NETWORK} -j ACCEPT`, `-d ${NETWORK} -j ACCEPT`];
  const nat = { table: 'nat', hook: 'POSTROUTING', chain: 'FLANNEL-POSTRTG', comment: 'flanneld masq' };
  const filter = { table: 'filter', hook: 'FORWARD', chain: 'FLANNEL-FWD', comment: 'flanneld forward' };
  await fillChain(host, { program, ...nat }, masquerade);
  await fillChain(host, { program, ...filter }, forward);
}

/** What upstream writes to subnet.env. */
export function upstreamSubnetEnv(subnet: string, mtu: number): string {
  const lines = [`FLANNEL_NETWORK=${NETWORK}`, `FLANNEL_SUBNET=${subnet.replace('.0/', '.1/')}`];
  return [...lines, `FLANNEL_MTU=${mtu}`, 'FLANNEL_IPMASQ=true', ''].join('\n');
}

/** What a chain of upstream's is called, and from where packets come into it. */
interface UpstreamChain {
  readonly program: string;
  readonly table: string;
  readonly hook: string;
  readonly chain: string;
  readonly comment: string;
}

/** The chain is empty for a moment; the rules come in one step. */
async function fillChain(
  host: Host,
  { program, table, hook, chain, comment }: UpstreamChain,
  rules: readonly string[],
): Promise<void> {
  const iptables = (...words: string[]) => host.run(program, '-w', '20', '-t', table, ...words);
  await iptables('-N', chain).catch(() => iptables('-F', chain));
  const mark = `-m comment --comment "${comment}"`;
  const jump = `${hook} ${mark} -j ${chain}`;
  const present = (await iptables('-S', hook)).includes(jump);
  const lines = [
    ...[`*${table}`, ...(present ? [`-D ${jump}`] : []), `-A ${jump}`],
    ...[...rules.map((rule) => `-A ${chain} ${mark} ${rule}`), 'COMMIT'],
  ];
  // All namespaces have one lock of iptables-legacy.
  const restore = 'printf "%s\\n" "$@" | "$0" -w 20 --noflush';
  await host.run('sh', '-c', restore, `${program}-restore`, ...lines);
}

/** The first address of a subnet. */
const baseOf = (subnet: string) => subnet.split('/')[0]!;
