import { familyBits, type Prefix } from '@flannel-ts/ip';

/** A prefix: a path of bits from the root. A node without leases at it or below does not exist. */
interface Node {
  readonly leases: Set<string>;
  readonly children: Map<string, Node>;
}

/** Leases by subnet, so that what overlaps a subnet is found without looking at all others. */
export class SubnetTree {
  readonly #root = createNode();

  add(subnet: Prefix, lease: string): void {
    let node = this.#root;
    for (const bit of bitsOf(subnet)) {
      const child = node.children.get(bit) ?? createNode();
      node.children.set(bit, child);
      node = child;
    }
    node.leases.add(lease);
  }

  delete(subnet: Prefix, lease: string): void {
    const bits = bitsOf(subnet);
    const path = this.#path(bits);
    path.at(-1)!.leases.delete(lease);
    for (let depth = bits.length; depth > 0 && isEmpty(path[depth]!); depth--) {
      path[depth - 1]!.children.delete(bits[depth - 1]!);
    }
  }

  /** Returns the leases of just this subnet, and of wider ones around it. */
  around(subnet: Prefix): string[] {
    return this.#path(bitsOf(subnet)).flatMap(({ leases }) => [...leases]);
  }

  /** Returns the smallest key of the leases of just this subnet. */
  first(subnet: Prefix): string | undefined {
    return [...(this.#find(subnet)?.leases ?? [])].sort()[0];
  }

  /** Yields the leases of narrower subnets inside this one, in the order of the network, the widest first. */
  *inside(subnet: Prefix): Generator<string, void> {
    const node = this.#find(subnet);
    if (node) yield* below(node);
  }

  /** The nodes from the root towards a prefix, as far as there are any. */
  #path(bits: string): Node[] {
    const path = [this.#root];
    for (const bit of bits) {
      const child = path.at(-1)!.children.get(bit);
      if (!child) break;
      path.push(child);
    }
    return path;
  }

  #find(subnet: Prefix): Node | undefined {
    const bits = bitsOf(subnet);
    return this.#path(bits)[bits.length];
  }
}

function createNode(): Node {
  return { leases: new Set(), children: new Map() };
}

function* below({ children }: Node): Generator<string, void> {
  for (const child of [children.get('0'), children.get('1')]) {
    if (!child) continue;
    yield* [...child.leases].sort();
    yield* below(child);
  }
}

function isEmpty({ leases, children }: Node): boolean {
  return leases.size === 0 && children.size === 0;
}

function bitsOf({ network, length, family }: Prefix): string {
  return network.value.toString(2).padStart(familyBits(family), '0').slice(0, length);
}
