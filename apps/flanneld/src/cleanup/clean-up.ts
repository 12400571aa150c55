import { openNetlinkPort } from '@flannel-ts/native';
import { createNetlink, type NetlinkConnection } from '@flannel-ts/netlink';
import { claimNetwork } from '../claim.ts';
import type { CommandContext } from '../command-context.ts';
import type { CleanupSettings } from '../request.ts';
import { deleteTunnelRecord } from '../tunnel-record.ts';
import { findDevices, listCandidates } from './find-devices.ts';
import { findOwnDockerNetworks } from './find-docker-networks.ts';
import { findLease } from './find-lease.ts';
import { findRoutes } from './find-routes.ts';
import { findRules } from './find-rules.ts';
import { readFootprint, type Footprint } from './footprint.ts';
import { findRunningUpstream } from './running-upstream.ts';
import { CleanupIncompleteError, createSteps, type Findings } from './steps.ts';

/** The daemon of the network runs. */
class DaemonRunsError extends Error {
  constructor(subnetFile: string, who: string) {
    super(
      `${who} runs with -subnet-file=${subnetFile}; stop it first, for example by systemctl stop flanneld`,
    );
    this.name = 'DaemonRunsError';
  }
}

/**
 * Removes what the daemon of one network left on this host, and nothing of other networks or programs: its Docker
 * network, routes, devices, rules and, if asked, its lease. What cannot be removed does not stop the rest.
 * @throws {DaemonRunsError | CleanupIncompleteError}
 */
export async function cleanUp(settings: CleanupSettings, context: CommandContext): Promise<void> {
  const { 'subnet-file': subnetFile, 'dry-run': dryRun } = settings;
  const { log, print } = context;
  await using stack = new AsyncDisposableStack();
  const claim = stack.use(await claimNetwork(subnetFile));
  const upstream = claim && (await findRunningUpstream(subnetFile));
  const running = claim ? upstream && `upstream's flanneld (process ${upstream})` : 'flanneld';
  if (running && !dryRun) throw new DaemonRunsError(subnetFile, running);
  if (running) print(`${running} runs: it would have to be stopped first`);

  const netlink = stack.use(createNetlink({ openPort: openNetlinkPort }));
  const footprint = await readFootprint(subnetFile, log);
  const steps = createSteps({ ...context, dryRun });
  // First: without the rules, a Docker network is open to everyone who can route to it.
  await steps.take('Docker networks', () =>
    findOwnDockerNetworks(settings, footprint.record, context.signal),
  );
  const networkStays = steps.failures.length > 0;
  if (footprint.overlays.length === 0 && !footprint.record.exists) {
    await steps.take('devices and rules', () => findUnknown(netlink, subnetFile));
  } else {
    await steps.take('routes', () => findRoutes(netlink, footprint));
    await steps.take('devices', () => findDevices(netlink, footprint));
    await steps.take('rules', () => (networkStays ? keepRules() : findRules(networksOf(footprint))));
  }
  if (settings.lease) await steps.take('lease', () => findLease({ netlink, stack }, settings, context));
  if (steps.failures.length > 0) throw new CleanupIncompleteError(steps.failures);
  if (steps.count === 0) print('nothing is left on this host');
  if (dryRun) return;
  footprint.record.delete();
  deleteTunnelRecord(subnetFile);
}

function keepRules(): Promise<Findings> {
  return Promise.reject(new Error('they close the Docker network to the outside; repeat when it is removed'));
}

function networksOf({ overlays }: Footprint) {
  return overlays.map(({ network }) => network);
}

/**
 * What could be this network's where nothing says which network that is.
 * @throws when there is anything: it stays, since it may be another network's
 */
async function findUnknown(netlink: NetlinkConnection, subnetFile: string): Promise<Findings> {
  const devices = (await listCandidates(netlink)).map(({ link, addresses }) =>
    [`device ${link.name}`, ...addresses.map(({ address }) => address.toString())].join(' '),
  );
  const rules = (await findRules('all')).leftovers.flatMap(({ details = [] }) => details);
  const found = [...devices, ...rules];
  if (found.length === 0) return { leftovers: [] };
  throw new Error(
    `${subnetFile} does not say whose these are: ${found.join('; ')}. If they are what you want to remove, ` +
      'write FLANNEL_NETWORK=<network> and FLANNEL_SUBNET=<subnet of this host> into that file, and run this again',
  );
}
