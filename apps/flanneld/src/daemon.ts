import {
  createPeerFollower,
  selectBackend,
  type Backend,
  type PeerFollower,
  type Underlay,
} from '@flannel-ts/backend';
import { createDevice } from '@flannel-ts/device';
import { openNetlinkPort } from '@flannel-ts/native';
import { createNetlink } from '@flannel-ts/netlink';
import { enabledFamilies, keepLease, systemClock, type Lease } from '@flannel-ts/subnet';
import { acquireOwnLease } from './acquire-own-lease.ts';
import { claimNetwork } from './claim.ts';
import { createConditions, reportRegistry, type Condition } from './conditions.ts';
import { closeDockerNetwork, followHosts, openFirewall, wantedRules } from './firewall.ts';
import { followLeases } from './follow-leases.ts';
import { serveHealth } from './health.ts';
import { leasedOverlays } from './leased-overlays.ts';
import { logBackendEvent, logDeviceEvent, logKeeperEvent } from './log-events.ts';
import { logFollower } from './log-follower.ts';
import type { Logger } from './log.ts';
import { openMadeRecord } from './made-record.ts';
import { openRegistry } from './open-registry.ts';
import { recordMade } from './record-made.ts';
import type { Settings } from './request.ts';
import { serveDocker } from './serve-docker.ts';
import { startWatch } from './start-watch.ts';
import { previousSubnet, readSubnetFile, writeSubnetFiles } from './subnet-files.ts';
import { reportUnderlayOverlap } from './underlay-overlap.ts';
import { waitForConfig } from './wait-for-config.ts';
import { waitForUnderlay } from './wait-for-underlay.ts';

/** What the daemon needs from its process. */
export interface DaemonContext {
  readonly log: Logger;
  /** Ends the daemon; the kernel's state and the lease stay. */
  readonly signal: AbortSignal;
  /** Called once, when the lease is held, the data path is up and subnet.env is written. */
  readonly onReady: (status: DaemonStatus) => void;
  /** Called after every change of a part's condition. */
  readonly onConditions: (conditions: readonly Condition[]) => void;
}

/** What a running daemon can tell. */
export interface DaemonStatus {
  readonly lease: Lease;
  readonly backend: Backend;
  readonly follower: PeerFollower;
}

const MINUTE_MS = 60 * 1000;
const LEASE_TTL_MS = 24 * 60 * MINUTE_MS;

/** Runs until `signal` aborts; throws what cannot be mended by waiting. */
export async function runDaemon(settings: Settings, context: DaemonContext): Promise<void> {
  const { log, signal } = context;
  await using stack = new AsyncDisposableStack();
  const claim = stack.use(await claimNetwork(settings['subnet-file']));
  if (!claim)
    log.warn({ file: settings['subnet-file'] }, 'another process keeps the network of this subnet file');
  const record = openMadeRecord(settings['subnet-file']);
  let ready = false;
  const conditions = createConditions({ log, onChange: context.onConditions });
  if (settings['healthz-port'] > 0) {
    const host = settings['healthz-ip']?.toString() ?? '0.0.0.0';
    const port = settings['healthz-port'];
    stack.use(await serveHealth({ host, port, ready: () => ready, conditions: conditions.list }));
  }
  const earlier = await readSubnetFile(settings['subnet-file'], log);
  const closed = stack.use(await closeDockerNetwork(settings, { log, earlier }));
  const registry = stack.use(
    openRegistry(settings, { log, onEvent: (event) => reportRegistry(conditions, event) }),
  );
  const netlink = stack.use(createNetlink({ openPort: openNetlinkPort }));
  const underlay = await waitForUnderlay({ netlink, conditions, log }, settings, { signal });
  log.info(describeUnderlay(underlay), 'underlay interface');
  const config = await waitForConfig({ registry, conditions }, { prefix: settings['etcd-prefix'], signal });
  reportUnderlayOverlap(conditions, { underlay, config, prefix: settings['etcd-prefix'] });
  const kernel = createDevice({ netlink, onEvent: (event) => logDeviceEvent(log, event) });
  const device = stack.use(recordMade(kernel, record));
  const onEvent = logBackendEvent.bind(undefined, log);
  const udp = { udpAccept: settings['udp-accept'], udpFastPath: settings['udp-fast-path'] };
  const backend = stack.use(await selectBackend(config)({ device, underlay, config, ...udp, onEvent }));
  record.add(backend.ownership.links.map((name) => ({ kind: 'link', name })));
  const attributes = { publicIp: underlay.publicIp, ...backend.attributes };
  const previous = previousSubnet(earlier);
  const { snapshot, events } = await startWatch(registry, signal);
  const lease = await acquireOwnLease(
    { registry, log },
    { config, attributes, previous, snapshot, ttlMs: LEASE_TTL_MS, signal },
  );
  await closed?.[Symbol.asyncDispose]();
  const firewall = stack.use(openFirewall(settings, config, { log, conditions, earlier }));
  const applyRules = followHosts(firewall, (hosts) =>
    wantedRules(settings, { config, lease, backend, underlay, hosts }),
  );
  record.add(leasedOverlays(config, lease).map((overlay) => ({ kind: 'overlay', ...overlay })));
  const blackholes = { blackholeOwnSubnet: settings['ip-blackhole-route'], formerSubnets: previous };
  const peers = createPeerFollower({ backend, device, config, onEvent, ...blackholes }, lease);
  const follower = logFollower(peers, log);
  const keeper = keepLease(
    {
      registry,
      log,
      clock: systemClock,
      random: Math.random,
      onEvent: (event) => logKeeperEvent(log, event),
    },
    {
      lease,
      families: enabledFamilies(config),
      ttlMs: LEASE_TTL_MS,
      renewMarginMs: settings['subnet-lease-renew-margin'] * MINUTE_MS,
      signal,
    },
  );
  const direct = backend.overlayInterfaces.includes(underlay.link);
  // Applied beside the routes, unless the rules name other hosts: those are known from the leases.
  const rules = direct ? undefined : applyRules([]);
  const following = followLeases(
    events,
    { follower, keeper },
    {
      onFollowed: () => rules ?? applyRules(follower.gateways()),
      onFirst: async () => {
        const env = await writeSubnetFiles(settings, { config, lease, backend });
        if (stack.disposed) return;
        const facts = { lease, env, mtu: backend.mtu };
        stack.use(serveDocker(settings, facts, { netlink, conditions, record, log }));
        ready = true;
        context.onReady({ lease, backend, follower });
      },
    },
  );
  await Promise.race([following, keeper.done]);
}

function describeUnderlay({ link, mtu, publicIp }: Underlay): object {
  const { ipv4, ipv6 } = publicIp;
  return {
    interface: link,
    mtu,
    ...(ipv4 && { publicIp: ipv4.toString() }),
    ...(ipv6 && { publicIpv6: ipv6.toString() }),
  };
}
