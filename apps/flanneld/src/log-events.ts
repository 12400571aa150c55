import type { BackendEvent } from '@flannel-ts/backend';
import type { DeviceEvent } from '@flannel-ts/device';
import type { FirewallEvent } from '@flannel-ts/firewall';
import type { KeeperEvent } from '@flannel-ts/subnet';
import type { Conditions } from './conditions.ts';
import type { Logger } from './log.ts';

/** As many repaired entries are named in one line of the log. */
const NAMED_STEPS = 5;

/** Tells an operator what the kernel's state went through. */
export function logDeviceEvent(log: Logger, event: DeviceEvent): void {
  switch (event.kind) {
    case 'mended': {
      const { steps } = event;
      log.warn({ count: steps.length, steps: steps.slice(0, NAMED_STEPS) }, 'kernel state drifted; repaired');
      break;
    }
    case 'link-recreated':
      log.warn({ link: event.link }, 'link recreated: it differed in something that cannot be changed');
      break;
    case 'failed':
      log.error({ what: event.what, error: event.error }, 'failed; trying again until it works');
  }
}

/** Tells an operator what a backend came across. */
export function logBackendEvent(log: Logger, event: BackendEvent): void {
  switch (event.kind) {
    case 'peer-skipped':
      log.warn({ lease: event.lease, reason: event.reason }, 'lease not followed');
      break;
    case 'tunnel-failed':
      log.error({ error: event.error }, 'the tunnel failed; opening it again');
      break;
    case 'fast-path':
      if (event.state.on) log.info({}, 'fast path: packets of peers that have it, too, stay in the kernel');
      else log.info({ reason: event.state.reason }, 'no fast path: all packets go through user space');
      break;
    case 'tunnel-reopened':
      log.info({}, 'the tunnel carries packets again');
  }
}

/** Logs what the rules went through, and reports what keeps them from their effect. */
export function reportFirewallEvent(log: Logger, conditions: Conditions, event: FirewallEvent): void {
  switch (event.kind) {
    case 'mended': {
      const problems = event.problems.map(({ table, what }) => `${table}: ${what}`);
      log.warn({ problems: problems.slice(0, NAMED_STEPS) }, 'firewall rules drifted; repaired');
      break;
    }
    case 'obstacles': {
      const reason = event.obstacles.map(({ message }) => message).join('; ');
      conditions.report('firewall', reason === '' ? 'ok' : 'failing', reason);
      break;
    }
    case 'fully-random-unsupported':
      log.warn({ error: event.error }, 'masquerading without random source ports');
  }
}

/** Logs what happens to the lease of this host. */
export function logKeeperEvent(log: Logger, event: KeeperEvent): void {
  switch (event.kind) {
    case 'failing': {
      const { error, retryInMs, remainingMs } = event;
      log.warn({ error, retryInMs, remainingMs }, 'cannot renew the lease; trying again');
      break;
    }
    case 'repaired':
      log.warn({ reason: event.reason }, 'the lease of this host was written again');
      break;
    case 'kept':
  }
}
