import {
  createPeerFollower,
  type Backend,
  type Backends,
  type BackendEvent,
  type PeerFollower,
  type TunnelPeersChange,
  type Underlay,
} from '@flannel-ts/backend';
import { createDevice } from '@flannel-ts/device';
import type { NetlinkConnection } from '@flannel-ts/netlink';
import {
  enabledFamilies,
  type Lease,
  type LeaseAttributes,
  type LeaseKeeper,
  type NetworkConfig,
  type Registry,
} from '@flannel-ts/subnet';
import { attributesOf } from './attributes.ts';
import { footprintOf } from './cleanup/footprint.ts';
import type { Conditions } from './conditions.ts';
import { followLeases } from './follow-leases.ts';
import { holdLease } from './hold-lease.ts';
import { keepFiles } from './keep-files.ts';
import { keepRules } from './keep-rules.ts';
import { keepTunnelRecord } from './keep-tunnel-record.ts';
import { leasedOverlays } from './leased-overlays.ts';
import { logFollower } from './log-follower.ts';
import type { Logger } from './log.ts';
import type { MadeRecord } from './made-record.ts';
import { createPeersCondition } from './peers-condition.ts';
import { recordMade } from './record-made.ts';
import { removeLeftovers } from './remove-leftovers.ts';
import { reportBackendEvent, reportDeviceEvent } from './report-events.ts';
import type { Settings } from './request.ts';
import { serveDocker } from './serve-docker.ts';
import { startWatch } from './start-watch.ts';
import { previousSubnet, readSubnetFile, subnetEnv, subnetFiles } from './subnet-files.ts';

/** What a generation is made from; it ends when one of them changes. */
export interface GenerationInputs {
  readonly underlay: Underlay;
  readonly config: NetworkConfig;
  /** The lease of the generation before, which stays this host's when its address has changed. */
  readonly held?: Lease | undefined;
  /** Ends the generation; what it made in the kernel stays. */
  readonly signal: AbortSignal;
}

/** What outlives a generation. */
export interface GenerationContext {
  readonly log: Logger;
  readonly conditions: Conditions;
  readonly registry: Registry;
  readonly netlink: NetlinkConnection;
  readonly backends: Backends;
  readonly record: MadeRecord;
  /** Aborts when the daemon ends. */
  readonly stopped: AbortSignal;
  /** Called when the lease is held. */
  readonly onLeased: (keeper: LeaseKeeper) => Promise<void>;
  /** Called once, when the lease is held, the data path is up and the files are written. */
  readonly onReady: (status: DaemonStatus) => void;
}

/** What a running daemon can tell. */
export interface DaemonStatus {
  readonly lease: Lease;
  readonly backend: Backend;
  readonly follower: PeerFollower;
}

/**
 * Runs the daemon on one underlay and one network config: backend, lease, peers, rules, files. Ends by throwing: the
 * signal's reason, or what failed. Nothing in the kernel is undone, so that a next generation that desires the same
 * interrupts nothing.
 * @throws {LeaseLostError} when another host holds the subnet
 * @throws {BackendConfigError} when the config's backend cannot run here
 */
export async function runGeneration(
  settings: Settings,
  inputs: GenerationInputs,
  context: GenerationContext,
): Promise<never> {
  await using stack = new AsyncDisposableStack();
  // Last of all, as its parts report until they are disposed of.
  stack.defer(() => forgetTroubles(context.conditions));
  const over = new AbortController();
  const signal = AbortSignal.any([inputs.signal, over.signal]);
  try {
    await live(stack, settings, { ...inputs, signal }, context);
  } finally {
    // First: nothing of the generation begins while its parts are disposed of.
    over.abort();
  }
  inputs.signal.throwIfAborted();
  throw new Error('the watch of the leases ended');
}

/** What a part reported that is not there any more; the next generation's part reports for itself. */
function forgetTroubles(conditions: Conditions): void {
  conditions.report('lease', 'ok', '', 'renewal');
  conditions.report('backend', 'ok', '', 'kernel');
  conditions.report('backend', 'ok', '', 'contest');
  conditions.report('backend', 'ok', '', 'tunnel');
  conditions.report('peers', 'ok');
  conditions.report('firewall', 'ok');
  conditions.report('firewall', 'ok', '', 'guard');
}

/** Resolves when the signal aborts. */
async function live(
  stack: AsyncDisposableStack,
  settings: Settings,
  { underlay, config, held, signal }: GenerationInputs,
  context: GenerationContext,
): Promise<void> {
  const { log, conditions, registry, netlink, backends, record, stopped } = context;
  const reporting = { log, conditions };
  const earlier = await readSubnetFile(settings['subnet-file'], log);
  const previous = previousSubnet(earlier);
  const former = footprintOf(earlier, record);
  const kernel = createDevice({ netlink, onEvent: (event) => reportDeviceEvent(reporting, event) });
  const device = stack.use(recordMade(kernel, record));
  const families = enabledFamilies(config);
  let publish = (_attributes: LeaseAttributes) => {};
  const onEvent = (event: BackendEvent) => {
    if (event.kind === 'attributes') publish(attributesOf(underlay, event, families));
    else reportBackendEvent(reporting, event);
  };
  const backend = await backends.create({ device, underlay, config, onEvent });
  const links = backend.ownership.links.map(({ name }) => name);
  record.add(links.map((name) => ({ kind: 'link', name })));

  const watch = await startWatch(registry, signal);
  const attributes = attributesOf(underlay, backend, families);
  const { keeper } = stack.use(
    await holdLease({ ...reporting, registry }, settings, {
      config,
      attributes,
      previous,
      held,
      snapshot: watch.snapshot,
      signal,
      stopped,
    }),
  );
  const { lease } = keeper;
  publish = (attributes) => keeper.publish(attributes);
  // They may have changed since the lease was asked for.
  publish(attributesOf(underlay, backend, families));
  await context.onLeased(keeper);

  record.add(leasedOverlays(config, lease).map((overlay) => ({ kind: 'overlay', ...overlay })));
  const rules = stack.use(
    keepRules(
      settings,
      { config, lease, backend, underlay },
      { ...reporting, former: former.overlays.map(({ network }) => network) },
    ),
  );
  const blackholes = { blackholeOwnSubnet: settings['ip-blackhole-route'], formerSubnets: previous };
  const onTunnelPeers = (change: TunnelPeersChange) => rules.updateTunnelPeers(change);
  const peers = createPeerFollower({ backend, device, config, onEvent, onTunnelPeers, ...blackholes }, lease);
  const follower = logFollower(peers, log);
  const peersCondition = createPeersCondition(conditions);
  const tunnelRecord = stack.use(keepTunnelRecord(settings, { backends, keeper, conditions }));
  const followed = Promise.withResolvers<undefined>();
  const following = followLeases(
    watch.events(lease),
    { follower, keeper },
    {
      onFollowed(changes) {
        peersCondition.update(changes, follower.skipped);
        tunnelRecord.changed();
        return rules.follow(follower.gateways);
      },
      onFirst: () => followed.resolve(undefined),
    },
  );

  async function serve(): Promise<void> {
    await followed.promise;
    await removeLeftovers({ netlink, device, log }, { former, links });
    const env = subnetEnv(settings, { config, lease, backend });
    const onWritten = () => {
      if (stack.disposed) return;
      stack.use(
        serveDocker(settings, { lease, env, mtu: backend.mtu }, { netlink, conditions, record, log }),
      );
      context.onReady({ lease, backend, follower });
    };
    await keepFiles(subnetFiles(settings, env), reporting, { onWritten, signal });
  }

  await Promise.race([following, keeper.done, serve()]);
}
