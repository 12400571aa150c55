import type { BackendEvent } from '@flannel-ts/backend';
import type { DeviceEvent } from '@flannel-ts/device';
import type { Logger } from './log.ts';

/** As many mended entries are named in one line of the log. */
const NAMED_STEPS = 5;

/** Tells an operator what the kernel's state went through. */
export function logDeviceEvent(log: Logger, event: DeviceEvent): void {
  switch (event.kind) {
    case 'mended': {
      const { steps } = event;
      log.warn(
        { count: steps.length, steps: steps.slice(0, NAMED_STEPS) },
        'the kernel differed from what is wanted; mended',
      );
      break;
    }
    case 'link-recreated':
      log.warn({ link: event.link }, 'link made anew: it differed in something that cannot be changed');
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
    case 'tunnel-reopened':
      log.info({}, 'the tunnel carries packets again');
  }
}
