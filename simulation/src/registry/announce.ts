import { isRenewal, type Write, type Writer } from './store.ts';
import type { Watch } from './watch.ts';

/** How many renewals are kept back at most. */
const MANY = 100;

/**
 * Returns what has the watches of hosts look at a change of the store. A renewal, as nearly all changes, means something
 * to the host that wrote it alone; the others see it with the next change that is none, or with others of its kind.
 */
export function createAnnouncer(
  hosts: () => readonly (Writer & { readonly watches: Iterable<Watch> })[],
): (write: Write) => void {
  let keptBack = 0;

  return (write) => {
    const isForAll = !isRenewal(write) || ++keptBack >= MANY;
    if (isForAll) keptBack = 0;
    for (const host of hosts()) {
      if (!isForAll && host.name !== write.writer.name) continue;
      for (const watch of host.watches) watch.notify();
    }
  };
}
