import { NetlinkError, type NetlinkConnection } from '@flannel-ts/netlink';
import { deleteDevice, listDevices, tunOf } from './cleanup/find-devices.ts';
import { listRecordedRoutes, routeText } from './cleanup/find-routes.ts';
import type { Footprint } from './cleanup/footprint.ts';
import type { Logger } from './log.ts';
import { madeText, type Made } from './made-record.ts';
import type { RecordedDevice } from './record-made.ts';

/**
 * Removes devices and routes of this network that were made with another backend, VNI or subnet and are not desired
 * any more. What cannot be removed is logged and stays for the next start or `flanneld cleanup`. From then on the
 * record has what is there, and no more.
 * @param links - names of the backend's devices
 * @param former - what was made before
 */
export async function removeLeftovers(
  components: {
    readonly netlink: NetlinkConnection;
    readonly device: Pick<RecordedDevice, 'desired'>;
    readonly log: Logger;
  },
  { former, links }: { readonly former: Footprint; readonly links: readonly string[] },
): Promise<void> {
  const { netlink, device, log } = components;
  const stuck: Made[] = [];
  const remove = async (made: Made, what: string, deletion: () => Promise<unknown>) => {
    try {
      await deletion();
      log.info({ what }, 'a former backend, VNI or subnet left it; removed');
    } catch (error) {
      if (isGone(error)) return;
      stuck.push(made);
      log.warn({ what, error }, 'a former backend, VNI or subnet left it; it cannot be removed');
    }
  };
  const routes = await listRecordedRoutes(netlink, former);
  // After the listing: a peer may have been added during it.
  const desired = device.desired();
  for (const route of routes) {
    const made: Made = { ...route, kind: 'route' };
    if (!desired.has(madeText(made)))
      await remove(made, routeText(route), () => netlink.request({ op: 'delete-route', route }));
  }
  for (const { name, index } of await listDevices(netlink, former))
    if (!links.includes(tunOf(name)))
      await remove({ kind: 'link', name }, `device ${name}`, () => deleteDevice(netlink, { index, name }));
  const there = [...stuck, ...links.map((name): Made => ({ kind: 'link', name }))].map(madeText);
  former.record.forgetAllBut(new Set([...device.desired(), ...there]));
}

/** Peers are followed meanwhile: a route of theirs may have taken the place of the former one. */
function isGone(error: unknown): boolean {
  return error instanceof NetlinkError && (error.code === 'ESRCH' || error.code === 'ENODEV');
}
