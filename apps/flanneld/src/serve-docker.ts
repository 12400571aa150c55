import type { SubnetEnv } from '@flannel-ts/docker-options';
import type { NetlinkConnection } from '@flannel-ts/netlink';
import type { Lease } from '@flannel-ts/subnet';
import type { Conditions } from './conditions.ts';
import { watchDockerBridge } from './docker-bridge.ts';
import { keepHostNetwork } from './docker-network.ts';
import type { Logger } from './log.ts';
import type { MadeRecord } from './made-record.ts';
import type { Settings } from './request.ts';

/**
 * Keeps the Docker network that the flags ask for, or else compares docker0 with the lease: either of them reports
 * the condition `docker`. Docker opens its network to everyone who can route to it, so the rules that close it must
 * be in place.
 */
export function serveDocker(
  settings: Settings,
  { lease, env, mtu }: { readonly lease: Lease; readonly env: SubnetEnv; readonly mtu: number },
  components: {
    readonly netlink: NetlinkConnection;
    readonly conditions: Conditions;
    readonly record: MadeRecord;
    readonly log: Logger;
  },
): Disposable | AsyncDisposable {
  const subnet = lease.subnets.ipv4;
  if (!settings['docker-network'] || !subnet)
    return watchDockerBridge(components, { env, managed: settings['docker-opts-file'] !== '' });
  components.record.add([{ kind: 'docker-network' }]);
  return keepHostNetwork(settings, { subnet, mtu }, components);
}
