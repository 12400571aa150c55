import type { NetlinkConnection } from '@flannel-ts/netlink';
import type { DesiredEntries } from './desired-entries.ts';
import type { DesiredLink, Ownership } from './desired.ts';
import { carryOut, linkChange, linkSubject, type Outcome } from './kernel-change.ts';
import { Links, readEntries } from './kernel-tables.ts';
import { isOfKind } from './link-kind.ts';
import { makeLink } from './link.ts';
import { isOwnedLink } from './ownership.ts';
import { planReconcile } from './plan.ts';

export interface ReconcileComponents {
  readonly netlink: NetlinkConnection;
  readonly desired: DesiredEntries;
}

/** What a full compare did, and the links that it found. */
export interface Comparison extends Outcome {
  /** `undefined` when the kernel did not answer. */
  readonly links: Links | undefined;
}

/**
 * Compares everything with the kernel: makes the desired links, puts and deletes entries, and in the end
 * deletes the owned devices that are no longer desired, when routes no longer lead to them.
 */
export async function reconcileKernel(
  { netlink, desired }: ReconcileComponents,
  ownership: Ownership,
): Promise<Comparison> {
  const outcome: Outcome = { changes: [], failed: new Map() };
  const desiredLinks = desired.links();
  let links: Links | undefined;
  try {
    await makeLinks(netlink, desiredLinks, outcome);
    links = await readLinks(netlink, desiredLinks, ownership);
    const keeping = { ...ownership, links: ownership.links.filter(({ name }) => desiredLinks.has(name)) };
    const present = await readEntries(netlink, links, keeping);
    await carryOut(netlink, planReconcile(desired.entries(), present, keeping), { links, outcome });
    await deleteObsoleteLinks(netlink, desiredLinks, { ownership, outcome });
  } catch (error) {
    outcome.failed.set('compare with the kernel', error as Error);
  }
  return { ...outcome, links };
}

/** Reads the links, but for those of a desired or owned name and another kind: they are another program's. */
export async function readLinks(
  netlink: NetlinkConnection,
  desiredLinks: ReadonlyMap<string, DesiredLink>,
  ownership: Ownership,
): Promise<Links> {
  const ours = [...ownership.links, ...desiredLinks.values()];
  const kinds = new Map(ours.map(({ name, kind }) => [name, kind]));
  const links = await netlink.links();
  return new Links(
    links.filter((link) => {
      const kind = kinds.get(link.name);
      return kind === undefined || isOfKind(link, kind);
    }),
  );
}

async function makeLinks(
  netlink: NetlinkConnection,
  desiredLinks: ReadonlyMap<string, DesiredLink>,
  { changes, failed }: Outcome,
): Promise<void> {
  for (const link of desiredLinks.values()) {
    try {
      const done = await makeLink(netlink, link);
      if (done === 'unchanged') continue;
      changes.push(linkChange(done === 'recreated' ? 'recreate' : 'put', link.name));
    } catch (error) {
      failed.set(linkSubject(link.name), error as Error);
    }
  }
}

async function deleteObsoleteLinks(
  netlink: NetlinkConnection,
  desiredLinks: ReadonlyMap<string, DesiredLink>,
  { ownership, outcome }: { readonly ownership: Ownership; readonly outcome: Outcome },
): Promise<void> {
  const links = await netlink.links();
  const obsolete = links.filter((link) => !desiredLinks.has(link.name) && isOwnedLink(link, ownership.links));
  const errors = await netlink.batch(obsolete.map(({ index }) => ({ op: 'delete-link', index })));
  obsolete.forEach(({ name }, position) => {
    const error = errors[position];
    const change = linkChange('delete', name);
    if (!error) outcome.changes.push(change);
    else if (error.code !== 'ENODEV') outcome.failed.set(change.text, error);
  });
}
