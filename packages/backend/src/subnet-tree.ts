import type { Prefix } from '@flannel-ts/ip';

/** A prefix: a path of bits from the root. A node without leases at it or below does not exist. */
interface Node {
  /** Sorted keys: seldom more than one. */
  leases: readonly string[];
  zero: Node | undefined;
  one: Node | undefined;
}

const NONE: readonly string[] = [];

/** Leases by subnet, so that what overlaps a subnet is found without looking at all others. */
export class SubnetTree {
  readonly #root = createNode();

  add({ bits }: Prefix, lease: string): void {
    let node = this.#root;
    for (const bit of bits) {
      if (bit === '0') node = node.zero ??= createNode();
      else node = node.one ??= createNode();
    }
    if (!node.leases.includes(lease)) node.leases = [...node.leases, lease].sort();
  }

  delete({ bits }: Prefix, lease: string): void {
    const path = this.#path(bits);
    const node = path.at(-1)!;
    node.leases = node.leases.filter((other) => other !== lease);
    for (let depth = bits.length; depth > 0 && isEmpty(path[depth]!); depth--) {
      if (bits[depth - 1] === '0') path[depth - 1]!.zero = undefined;
      else path[depth - 1]!.one = undefined;
    }
  }

  /** Returns the leases of just this subnet, and of wider ones around it. */
  around({ bits }: Prefix): readonly string[] {
    let found = this.#root.leases;
    let node: Node | undefined = this.#root;
    for (let depth = 0; depth < bits.length; depth++) {
      node = childOf(node, bits[depth]);
      if (!node) break;
      if (node.leases.length > 0) found = [...found, ...node.leases];
    }
    return found;
  }

  /** Returns the smallest key of the leases of just this subnet. */
  first(subnet: Prefix): string | undefined {
    return this.#find(subnet)?.leases[0];
  }

  /** Returns the leases of narrower subnets inside this one, in the order of the network, the widest first. */
  inside(subnet: Prefix): string[] {
    const found: string[] = [];
    const node = this.#find(subnet);
    if (node) collectBelow(node, found);
    return found;
  }

  /** The nodes from the root towards a prefix, as far as there are any. */
  #path(bits: string): Node[] {
    const path = [this.#root];
    let node: Node | undefined = this.#root;
    for (let depth = 0; depth < bits.length; depth++) {
      node = childOf(node, bits[depth]);
      if (!node) break;
      path.push(node);
    }
    return path;
  }

  #find({ bits }: Prefix): Node | undefined {
    let node: Node | undefined = this.#root;
    for (let depth = 0; node && depth < bits.length; depth++) node = childOf(node, bits[depth]);
    return node;
  }
}

function createNode(): Node {
  return { leases: NONE, zero: undefined, one: undefined };
}

function childOf({ zero, one }: Node, bit: string | undefined): Node | undefined {
  return bit === '0' ? zero : one;
}

function collectBelow({ zero, one }: Node, found: string[]): void {
  for (const child of [zero, one]) {
    if (!child) continue;
    found.push(...child.leases);
    collectBelow(child, found);
  }
}

function isEmpty({ leases, zero, one }: Node): boolean {
  return leases.length === 0 && !zero && !one;
}
