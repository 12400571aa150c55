import { familyBits, type Prefix } from '@flannel-ts/ip';

/** A prefix: a path of bits from the root. A node without leases at it or below does not exist. */
interface Node {
  /** Sorted keys: seldom more than one. */
  leases: readonly string[];
  /** By the next bit. */
  readonly children: [Node | undefined, Node | undefined];
}

/** Leases by subnet, so that what overlaps a subnet is found without looking at all others. */
export class SubnetTree {
  readonly #root = createNode();

  add(subnet: Prefix, lease: string): void {
    const bits = bitsOf(subnet);
    let node = this.#root;
    for (let depth = 0; depth < bits.length; depth++) {
      node = node.children[bitAt(bits, depth)] ??= createNode();
    }
    if (!node.leases.includes(lease)) node.leases = [...node.leases, lease].sort();
  }

  delete(subnet: Prefix, lease: string): void {
    const bits = bitsOf(subnet);
    const path = this.#path(bits);
    const node = path.at(-1)!;
    node.leases = node.leases.filter((other) => other !== lease);
    for (let depth = bits.length; depth > 0 && isEmpty(path[depth]!); depth--) {
      path[depth - 1]!.children[bitAt(bits, depth - 1)] = undefined;
    }
  }

  /** Returns the leases of just this subnet, and of wider ones around it. */
  around(subnet: Prefix): string[] {
    return this.#path(bitsOf(subnet)).flatMap(({ leases }) => leases);
  }

  /** Returns the smallest key of the leases of just this subnet. */
  first(subnet: Prefix): string | undefined {
    return this.#find(subnet)?.leases[0];
  }

  /** Yields the leases of narrower subnets inside this one, in the order of the network, the widest first. */
  *inside(subnet: Prefix): Generator<string, void> {
    const node = this.#find(subnet);
    if (node) yield* below(node);
  }

  /** The nodes from the root towards a prefix, as far as there are any. */
  #path(bits: string): Node[] {
    const path = [this.#root];
    for (let depth = 0; depth < bits.length; depth++) {
      const child = path[depth]!.children[bitAt(bits, depth)];
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
  return { leases: [], children: [undefined, undefined] };
}

function* below({ children }: Node): Generator<string, void> {
  for (const child of children) {
    if (!child) continue;
    yield* child.leases;
    yield* below(child);
  }
}

function isEmpty({ leases, children: [zero, one] }: Node): boolean {
  return leases.length === 0 && !zero && !one;
}

function bitsOf({ network, length, family }: Prefix): string {
  return network.value.toString(2).padStart(familyBits(family), '0').slice(0, length);
}

function bitAt(bits: string, depth: number): 0 | 1 {
  return bits[depth] === '0' ? 0 : 1;
}
