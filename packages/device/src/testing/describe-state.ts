import { entriesOf, entryText } from '../entry.ts';
import type { DesiredLink, HostState } from '../desired.ts';

/** Desired state in the words of `ip` and `bridge`, one line for each link and entry, for golden texts. */
export function describeState(state: HostState): string[] {
  return [...(state.links ?? []).map(linkText), ...entriesOf(state).map(entryText)];
}

function linkText(link: DesiredLink): string {
  if (link.kind === 'tun') return `link ${link.name} mtu ${link.mtu} type tun`;
  const { name, mtu, mac, vni, parent, local, port, learning, gbp } = link;
  const own = `link ${name} mtu ${mtu}${mac ? ` address ${mac}` : ''}`;
  const options = `${learning ? 'learning' : 'nolearning'}${gbp ? ' gbp' : ''}`;
  return `${own} type vxlan id ${vni} dev ${parent} local ${local.toString()} dstport ${port} ${options}`;
}
