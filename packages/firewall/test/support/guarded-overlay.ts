import { parseAddress } from '@flannel-ts/ip';
import {
  createFirewall,
  type DesiredRules,
  type Firewall,
  type FirewallEvent,
  type FirewallOptions,
  type GuardedTunnel,
} from '../../src/index.ts';
import { openPortInside, runInside } from './host.ts';
import { createOverlay, type Overlay, type OverlayHost } from './overlay.ts';
import { desiredRules } from './rules.ts';

/** Ports of the tunnels. */
export const UDP = 8285;
export const VXLAN = 8472;

/** Two hosts of an overlay; firewalls of the first one guard a tunnel to the second. */
export interface GuardedOverlay extends Overlay {
  readonly first: OverlayHost;
  readonly second: OverlayHost;
  /** What the firewalls reported. */
  readonly events: FirewallEvent[];
  /** A firewall on the first host; it goes with the overlay. */
  createFirewall(options: FirewallOptions): Firewall;
  /** Rules with a guard, and with no others unless they are asked for. */
  guarding(tunnel?: Partial<GuardedTunnel>, change?: Partial<DesiredRules>): DesiredRules;
}

export async function createGuardedOverlay(): Promise<GuardedOverlay> {
  await using stack = new AsyncDisposableStack();
  const overlay = stack.use(await createOverlay());
  const [first, second] = overlay.hosts;
  const events: FirewallEvent[] = [];
  const run = runInside(first.namespace);
  const openPort = openPortInside(first.namespace);
  const peers = ([4, 6] as const).map((family) => parseAddress(second.at[family].underlay));
  const all = stack.move();
  return {
    ...overlay,
    ...{ first, second, events },
    createFirewall: (options) =>
      all.use(createFirewall({ run, openPort, onEvent: (event) => events.push(event) }, options)),
    guarding(tunnel = {}, change = {}) {
      const guarded = { family: 4, port: UDP, underlay: 'eth0', peers, ...tunnel } as const;
      return desiredRules(1, { masquerade: undefined, forward: false, tunnel: guarded, ...change });
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
