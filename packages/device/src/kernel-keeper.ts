import type { NetlinkConnection } from '@flannel-ts/netlink';
import { DesiredEntries } from './desired-entries.ts';
import type { DesiredLink, HostState, Ownership } from './desired.ts';
import type { Failures } from './failures.ts';
import { carryOut, type KernelChange, type Outcome } from './kernel-change.ts';
import { Links } from './kernel-tables.ts';
import { makeLink, type LinkOutcome } from './link.ts';
import { uniteOwnerships } from './ownership.ts';
import { planChanges, type Step } from './plan.ts';
import { readLinks, reconcileKernel } from './reconcile-kernel.ts';

export interface KeeperComponents {
  readonly netlink: NetlinkConnection;
  readonly failures: Failures;
}

const NOTHING: Ownership = { links: [], gatewayRoutes: [] };

/**
 * The desired state, its bounds, and the kernel made equal to it. A call sees what the one before left, so
 * they are made one after another. What fails is noted in {@link Failures}; only `ensureLink` rejects.
 */
export class KernelKeeper {
  readonly desired = new DesiredEntries();
  readonly #netlink: NetlinkConnection;
  readonly #failures: Failures;
  #ownership = NOTHING;
  /** The ownership, and former ones until all that they cover is removed. */
  #covered = NOTHING;
  #links = new Links([]);

  constructor({ netlink, failures }: KeeperComponents) {
    this.#netlink = netlink;
    this.#failures = failures;
  }

  /** The links as they were at the latest compare. */
  get links(): Links {
    return this.#links;
  }

  /** Makes a link, which stays desired. */
  async ensureLink(
    link: DesiredLink,
  ): Promise<{ readonly outcome: LinkOutcome; readonly index: number; readonly mac: string | undefined }> {
    const outcome = await makeLink(this.#netlink, link);
    this.desired.ensure(link);
    this.#links = await readLinks(this.#netlink, this.desired.links(), this.#covered);
    const { index, mac } = this.#links.named(link.name)!;
    return { outcome, index, mac };
  }

  /** Replaces all desired state and its bounds, and compares. */
  apply(desired: ReadonlyMap<string, HostState>, ownership: Ownership): Promise<readonly KernelChange[]> {
    this.desired.replaceAll(desired);
    this.#ownership = ownership;
    this.#covered = uniteOwnerships(this.#covered, ownership);
    return this.compare();
  }

  /** Compares everything with the kernel and returns what was done. */
  async compare(): Promise<readonly KernelChange[]> {
    const { desired } = this;
    const { changes, failed, links } = await reconcileKernel(
      { netlink: this.#netlink, desired },
      this.#covered,
    );
    this.#links = links ?? this.#links;
    this.#failures.replace('keep', failed);
    if (failed.size === 0) this.#covered = this.#ownership;
    return changes;
  }

  /** Replaces the desired state of some owners and carries out the difference. */
  update(changes: ReadonlyMap<string, HostState | undefined>): Promise<readonly KernelChange[]> {
    return this.#carryOut(planChanges(this.desired.update(changes)));
  }

  /** Puts the desired entries of these keys, whatever the kernel has. */
  repair(keys: ReadonlySet<string>): Promise<readonly KernelChange[]> {
    const entries = [...keys].map((key) => this.desired.get(key)).filter((entry) => entry !== undefined);
    return this.#carryOut(entries.map((entry) => ({ verb: 'put', entry })));
  }

  async #carryOut(steps: readonly Step[]): Promise<readonly KernelChange[]> {
    const outcome: Outcome = { changes: [], failed: new Map() };
    try {
      await carryOut(this.#netlink, steps, { links: this.#links, outcome });
    } catch (error) {
      outcome.failed.set('change the kernel', error as Error);
    }
    this.#failures.add(outcome.failed);
    return outcome.changes;
  }
}
