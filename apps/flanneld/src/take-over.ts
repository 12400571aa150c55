import { createBackends, type Backends, type UdpOptions } from '@flannel-ts/backend';
import { systemClock } from '@flannel-ts/subnet';
import { claimNetwork } from './claim.ts';
import type { Logger } from './log.ts';
import type { Settings } from './request.ts';
import { resumeTunnel } from './resume-tunnel.ts';

/** What a daemon takes over from the one before it. */
export interface TakenOver extends AsyncDisposable {
  readonly backends: Backends;
  /** Call it when a lease is held: a resumed tunnel does not depend on the former one any more. */
  leased(): void;
}

/**
 * Claims the network of the subnet file, and resumes the tunnel of a former daemon. Containers wait for it, so little may
 * be loaded before it; for the same reason, the tunnel is closed last when this is disposed of.
 */
export async function takeOver(settings: Settings, log: Logger): Promise<TakenOver> {
  await using stack = new AsyncDisposableStack();
  const subnetFile = settings['subnet-file'];
  const claim = stack.use(await claimNetwork(subnetFile));
  const backends = stack.use(createBackends({ udp: udpOptionsOf(settings) }));
  if (!claim) log.warn({ file: subnetFile }, 'another process keeps the network of this subnet file');
  const resumed = claim && stack.use(resumeTunnel({ backends, clock: systemClock, log }, subnetFile));
  const taken = stack.move();
  return {
    backends,
    leased: () => resumed?.[Symbol.dispose](),
    [Symbol.asyncDispose]: () => taken.disposeAsync(),
  };
}

function udpOptionsOf(settings: Settings): UdpOptions {
  const threads = { auto: undefined, '1': 1, '2': 2, '4': 4, '8': 8 } as const;
  return {
    accept: settings['udp-accept'],
    fastPath: settings['udp-fast-path'],
    // Another host may have the subnet of a lease that ends with the daemon.
    leaveFastPath: !settings['release-lease-on-exit'],
    threads: threads[settings['udp-threads']],
    tos: settings['udp-tos'],
  };
}
