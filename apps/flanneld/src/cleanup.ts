import { createDevice } from '@flannel-ts/device';
import { createFirewall } from '@flannel-ts/firewall';
import { openNetlinkPort } from '@flannel-ts/native';
import { createNetlink, type Link, type NetlinkConnection } from '@flannel-ts/netlink';
import { isSameHost, leaseKey } from '@flannel-ts/subnet';
import type { CommandContext } from './command-context.ts';
import { removeHostNetworks } from './docker-network.ts';
import { openRegistry } from './open-registry.ts';
import type { CleanupSettings } from './request.ts';
import { readSubnetFile } from './subnet-files.ts';
import { findUnderlay } from './underlay.ts';

/** Removes what a stopped daemon left on this host: devices, routes, rules and, if asked, its lease. */
export async function cleanUp(settings: CleanupSettings, context: CommandContext): Promise<void> {
  await using netlink = createNetlink({ openPort: openNetlinkPort });
  if (settings.lease) await deleteLease(netlink, settings, context);
  await removeHostNetworks(settings, context);
  await deleteRoutes(netlink, settings, context);
  await deleteDevices(netlink, context);
  await using firewall = createFirewall({}, { tool: 'iptables' });
  await firewall.remove();
  context.print('masquerade and forward rules: none left');
}

/** The lease that carries this host's public IP. A reservation is the operator's and stays. */
async function deleteLease(
  netlink: NetlinkConnection,
  settings: CleanupSettings,
  { log, signal, print }: CommandContext,
): Promise<void> {
  const { publicIp } = await findUnderlay(netlink, settings);
  await using registry = openRegistry(settings, log);
  const leases = await registry.readLeases({ signal });
  for (const lease of leases.filter(({ attributes }) => isSameHost(attributes, { publicIp }))) {
    const reserved = lease.expiresAt === undefined;
    if (!reserved) await registry.deleteLease(lease, { signal });
    print(`lease ${leaseKey(lease)}: ${reserved ? 'a reservation, left as it is' : 'deleted'}`);
  }
}

/** The routes of host-gw and of direct routing: through gateways on the underlay, to subnets of the network. */
async function deleteRoutes(
  netlink: NetlinkConnection,
  settings: CleanupSettings,
  { log, print }: CommandContext,
): Promise<void> {
  const { network, subnet } = await readSubnetFile(settings['subnet-file'], log);
  if (!network || !subnet) {
    print(`routes through other hosts: unknown, as ${settings['subnet-file']} does not name the network`);
    return;
  }
  const { link } = await findUnderlay(netlink, settings);
  await using device = createDevice({
    netlink,
    onEvent: (event) => {
      if (event.kind === 'failed') log.error({ what: event.what, error: event.error }, 'cannot be deleted');
    },
  });
  device.own({ links: [], gatewayRoutes: [{ link, within: network, prefixLength: subnet.prefix.length }] });
  await device.apply(new Map());
  print(`routes to ${network.toString()} through other hosts on ${link}: none left`);
}

async function deleteDevices(netlink: NetlinkConnection, { print }: CommandContext): Promise<void> {
  for (const { index, name } of (await netlink.links()).filter(isFlannelDevice)) {
    await netlink.request({ op: 'delete-link', index });
    print(`device ${name}: deleted`);
  }
}

/** The names that the backends give their devices, of the kinds that they make. */
function isFlannelDevice({ name, detail }: Link): boolean {
  if (name === 'flannel0') return detail.kind === 'tun';
  return /^flannel(\.\d+|0-rx)$/.test(name) && detail.kind === 'vxlan';
}
