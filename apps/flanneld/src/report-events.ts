import type { BackendEvent } from '@flannel-ts/backend';
import type { DeviceEvent } from '@flannel-ts/device';
import type { RegistryEvent } from '@flannel-ts/etcd-registry';
import { UnguardedTunnelError, type FirewallEvent, type Refusal } from '@flannel-ts/firewall';
import { leaseKey, type KeeperEvent, type Lease } from '@flannel-ts/subnet';
import type { Conditions } from './conditions.ts';
import type { Logger } from './log.ts';
import { messageOf } from './message-of.ts';

/** Where the daemon's parts report to: what happened to the log, what is wrong to the conditions. */
export interface Reporting {
  readonly log: Logger;
  readonly conditions: Conditions;
}

/** As many entries are named in one line of the log. */
const NAMED_STEPS = 5;

/** Reports what the watch of the registry went through. */
export function reportRegistryEvent(
  { conditions }: Pick<Reporting, 'conditions'>,
  event: RegistryEvent,
): void {
  switch (event.kind) {
    case 'interrupted':
      conditions.report('registry', 'failing', `${event.reason}; trying until it is back`, 'watch');
      break;
    case 'restored':
      conditions.report('registry', 'ok', '', 'watch');
  }
}

/** Reports what became of the lease of this host. */
export function reportKeeperEvent({ log, conditions }: Reporting, lease: Lease, event: KeeperEvent): void {
  switch (event.kind) {
    case 'kept':
      conditions.report('lease', 'ok', '', 'renewal');
      break;
    case 'repaired':
      log.warn({ lease: leaseKey(lease) }, `${event.reason}; written again`);
      break;
    case 'failing': {
      const rest = describeRest(event.remainingMs);
      const reason = `the lease cannot be renewed, and ${rest}: ${messageOf(event.error)}`;
      conditions.report('lease', 'failing', reason, 'renewal');
    }
  }
}

function describeRest(remainingMs: number): string {
  if (remainingMs === Infinity) return 'it does not expire';
  return remainingMs > 0 ? `it lives for ${Math.ceil(remainingMs / 60_000)} minutes more` : 'it has expired';
}

/** Reports what the kernel's state went through. */
export function reportDeviceEvent({ log, conditions }: Reporting, event: DeviceEvent): void {
  switch (event.kind) {
    case 'removed':
      log.info(
        namedSteps(event.steps),
        'kernel state of an earlier run that is not desired any more; removed',
      );
      break;
    case 'repaired':
      log.warn(namedSteps(event.steps), 'kernel state drifted; repaired');
      break;
    case 'contested':
      reportContested(conditions, event.subjects);
      break;
    case 'link-recreated':
      log.warn({ link: event.link }, 'link recreated: it differed in something that cannot be changed');
      break;
    case 'failed':
      conditions.report('backend', 'failing', `${event.what}: ${event.error.message}`, 'kernel');
      break;
    case 'recovered':
      conditions.report('backend', 'ok', '', 'kernel');
  }
}

function reportContested(conditions: Conditions, subjects: readonly string[]): void {
  if (subjects.length === 0) {
    conditions.report('backend', 'ok', '', 'contest');
    return;
  }
  const more = subjects.length > NAMED_STEPS ? ` and ${subjects.length - NAMED_STEPS} more` : '';
  const reason =
    `another process keeps changing ${subjects.slice(0, NAMED_STEPS).join(', ')}${more}, which is therefore repaired ` +
    'less and less often, down to once a minute: find it, as with ip monitor, and stop what it does';
  conditions.report('backend', 'degraded', reason, 'contest');
}

function namedSteps(steps: readonly string[]): object {
  return { count: steps.length, steps: steps.slice(0, NAMED_STEPS) };
}

/** Reports what a backend came across. */
export function reportBackendEvent(
  { log, conditions }: Reporting,
  event: Exclude<BackendEvent, { kind: 'attributes' }>,
): void {
  switch (event.kind) {
    case 'peer-skipped':
      log.warn({ lease: event.lease, reason: event.reason }, 'lease not followed');
      break;
    case 'tunnel-failed':
      conditions.report('backend', 'failing', `the tunnel is down: ${event.error.message}`, 'tunnel');
      break;
    case 'fast-path':
      if (event.state.on) log.info({}, 'fast path: packets of peers that have it, too, stay in the kernel');
      else log.info({ reason: event.state.reason }, 'no fast path: all packets go through user space');
      break;
    case 'tunnel-reopened':
      conditions.report('backend', 'ok', '', 'tunnel');
  }
}

function joinMessages(errors: readonly Error[]): string {
  return errors.map(({ message }) => message).join('; ');
}

function describeRefusal({ reason, source, packets }: Refusal): string {
  const count = packets === 1 ? '1 packet' : `${packets} packets`;
  return reason === 'no-lease'
    ? `vxlan refused ${count} from ${source}, which has no lease; if it is a peer behind a NAT, use --vxlan-accept=any`
    : `dropped ${count} from ${source} to the tunnel port of a host, which did not come from the underlay: a container may be forging packets of others`;
}

/** Reports what the rules went through, and what keeps them from their effect. */
export function reportFirewallEvent({ log, conditions }: Reporting, event: FirewallEvent): void {
  switch (event.kind) {
    case 'repaired': {
      const problems = event.problems.map(({ table, what }) => `${table}: ${what}`);
      log.warn({ problems: problems.slice(0, NAMED_STEPS) }, 'firewall rules drifted; repaired');
      break;
    }
    case 'obstacles': {
      const isBearable = (obstacle: Error) => obstacle instanceof UnguardedTunnelError;
      const failing = joinMessages(event.obstacles.filter((obstacle) => !isBearable(obstacle)));
      const degraded = joinMessages(event.obstacles.filter(isBearable));
      conditions.report('firewall', failing === '' ? 'ok' : 'failing', failing);
      conditions.report('firewall', degraded === '' ? 'ok' : 'degraded', degraded, 'guard');
      break;
    }
    case 'refused':
      for (const refusal of event.refusals.slice(0, NAMED_STEPS)) log.warn({}, describeRefusal(refusal));
      if (event.refusals.length > NAMED_STEPS)
        log.warn({ sources: event.refusals.length - NAMED_STEPS }, 'packets of more sources were refused');
      break;
    case 'fully-random-unsupported':
      log.warn({ error: event.error }, 'masquerading without random source ports');
  }
}
