import type { NetlinkConnection, NetlinkError } from '@flannel-ts/netlink';
import { entryKey, entryLink, entryText } from './entry.ts';
import type { Links } from './kernel-tables.ts';
import { toOperation, type Step } from './plan.ts';

/** One thing that was done to the kernel. */
export interface KernelChange {
  /** What was changed, as drift and contests name it: the key of an entry, or `link NAME`. */
  readonly subject: string;
  /** Name of the link that it is, or is on; a blackhole is on none. */
  readonly link: string | undefined;
  readonly verb: 'put' | 'delete' | 'recreate';
  /** `put route 10.5.1.0/24 via …` */
  readonly text: string;
}

/** What was done, and what failed, by what was tried. */
export interface Outcome {
  readonly changes: KernelChange[];
  readonly failed: Map<string, Error>;
}

/** The subject that a link is, in drift and contests. */
export function linkSubject(name: string): string {
  return `link ${name}`;
}

export function linkChange(verb: KernelChange['verb'], link: string): KernelChange {
  const subject = linkSubject(link);
  return { subject, link, verb, text: `${verb} ${subject}` };
}

/**
 * Carries out steps, and notes in `outcome` what succeeded and what failed. A step whose link does not exist is neither: it is
 * planned again when the link appears.
 * @throws {SystemError} when it is not known what was done
 */
export async function carryOut(
  netlink: NetlinkConnection,
  steps: readonly Step[],
  { links, outcome }: { readonly links: Links; readonly outcome: Outcome },
): Promise<void> {
  const planned = steps.map((step) => ({ step, operation: toOperation(step, links) }));
  const possible = planned.filter(({ operation }) => operation !== undefined);
  const errors = await netlink.batch(possible.map(({ operation }) => operation!));
  possible.forEach(({ step }, index) => {
    const error = errors[index];
    const change = entryChange(step);
    if (!error) outcome.changes.push(change);
    else if (!isHarmless(step, error)) outcome.failed.set(change.text, error);
  });
}

function entryChange({ verb, entry }: Step): KernelChange {
  const text = `${verb} ${entryText(entry)}`;
  return { subject: entryKey(entry), link: entryLink(entry), verb, text };
}

/** An entry that is gone already needs no deleting. */
const ALREADY_GONE = ['ENOENT', 'ESRCH', 'ENODEV', 'EADDRNOTAVAIL'];

function isHarmless({ verb }: Step, error: NetlinkError): boolean {
  return verb === 'delete' && ALREADY_GONE.includes(error.code);
}
