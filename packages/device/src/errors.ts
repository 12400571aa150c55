import type { DesiredVxlan } from './desired.ts';

/** A desired link cannot exist yet: its parent, or the TUN device that its owner opens, is not there. */
export class LinkMissingError extends Error {
  /** Name of the missing link. */
  readonly link: string;

  constructor(link: string, neededBy: string | undefined) {
    super(neededBy ? `link ${link} does not exist; ${neededBy} needs it` : `link ${link} does not exist`);
    this.name = 'LinkMissingError';
    this.link = link;
  }
}

/** A link of the desired name is of another kind. It is another program's, so it is never deleted. */
export class ForeignLinkError extends Error {
  /** Name of the link. */
  readonly link: string;
  /** The kernel's name of the kind that it is of: `bridge`, `dummy`, …; `physical` for hardware. */
  readonly kind: string;

  constructor(link: string, kind: string, desired: string) {
    super(
      `link ${link} must be of kind ${desired}, not ${kind}: another program made it; delete it (ip link delete ${link}) or rename it (ip link set ${link} name …)`,
    );
    this.name = 'ForeignLinkError';
    this.link = link;
    this.kind = kind;
  }
}

/** The underlay link carries smaller packets than the VXLAN device sends through it. */
export class ParentMtuError extends Error {
  /** Name of the VXLAN device. */
  readonly link: string;
  /** Name of the underlay link. */
  readonly parent: string;
  /** MTU of the underlay link in bytes. */
  readonly parentMtu: number;
  /** The MTU in bytes that the underlay link needs. */
  readonly requiredMtu: number;

  constructor({ name, mtu, parent }: DesiredVxlan, parentMtu: number, overhead: number) {
    const requiredMtu = mtu + overhead;
    super(
      `MTU of ${parent} must be at least ${requiredMtu}, not ${parentMtu}: ${name} has an MTU of ${mtu}, and VXLAN adds ${overhead}; raise the MTU of ${parent} (ip link set ${parent} mtu ${requiredMtu}), or lower that of ${name}`,
    );
    this.name = 'ParentMtuError';
    this.link = name;
    this.parent = parent;
    this.parentMtu = parentMtu;
    this.requiredMtu = requiredMtu;
  }
}
