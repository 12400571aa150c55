import {
  bridgeName,
  keepDockerNetwork,
  type DockerEndpoint,
  type DockerNetworkChange,
  type DockerNetworkState,
} from '@flannel-ts/docker-network';
import type { Prefix } from '@flannel-ts/ip';
import type { Conditions } from './conditions.ts';
import type { Logger } from './log.ts';
import type { Settings } from './request.ts';

/** Keeps the Docker network that the flags ask for, and reports it as the condition `docker`. */
export function keepHostNetwork(
  settings: Settings,
  { subnet, mtu }: { readonly subnet: Prefix; readonly mtu: number },
  { log, conditions }: { readonly log: Logger; readonly conditions: Conditions },
): AsyncDisposable {
  const name = settings['docker-network'];
  if (!settings['ip-masq'])
    log.warn({ network: name }, 'containers reach nothing outside of the cluster network without --ip-masq');
  return keepDockerNetwork(
    {
      onChange: (change) => logChange(log, change),
      onState: (state) => reportState(conditions, name, state),
      obstacle: () => missingRules(conditions),
    },
    { ...dockerEndpoint(settings), desired: { name, subnet, mtu } },
  );
}

/** The bridge that Docker opens to everyone who can route to it, for the firewall to close. */
export function protectedBridge(settings: Settings): { readonly interface: string } | undefined {
  const name = settings['docker-network'];
  return name === '' ? undefined : { interface: bridgeName(name) };
}

/** Without the rules, the network is open to everyone who can route to it. */
function missingRules(conditions: Conditions): string | undefined {
  const firewall = conditions.list().find(({ part }) => part === 'firewall');
  return firewall?.state === 'failing'
    ? `the rules that close it are not in place: ${firewall.reason}`
    : undefined;
}

/** Docker on this host; a daemon of another etcd prefix has a network of its own. */
export function dockerEndpoint(settings: Pick<Settings, 'docker-host' | 'etcd-prefix'>): DockerEndpoint {
  return { socketPath: settings['docker-host'].replace(/^unix:\/\//, ''), owner: settings['etcd-prefix'] };
}

/** Docker waits for the daemon's start, so its absence is nothing that an operator must repair. */
function reportState(conditions: Conditions, name: string, state: DockerNetworkState): void {
  switch (state.kind) {
    case 'in-place': {
      conditions.report('docker', 'ok');
      return;
    }
    case 'unavailable': {
      conditions.report('docker', 'degraded', `network ${name} waits: ${state.reason}`);
      return;
    }
    case 'failed': {
      conditions.report('docker', 'failing', state.reason);
      return;
    }
  }
}

function logChange(log: Logger, change: DockerNetworkChange): void {
  if (change.kind === 'removed') {
    log.warn({ network: change.name, reasons: change.reasons }, 'Docker network differed; removed');
    return;
  }
  const { name, subnet, mtu } = change.network;
  log.info(
    { network: name, subnet: subnet.toString(), mtu, bridge: bridgeName(name), engine: change.engine },
    'Docker network created',
  );
}
