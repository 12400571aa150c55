import type { LeaseChange, LeaseSnapshot } from '@flannel-ts/subnet';
import type { Keys } from '../keys.ts';
import type { Config } from '../ledger.ts';
import { HistoryLostError, type WatchSource } from '../watch.ts';
import type { Node } from './answer.ts';
import { directory, isRemoval, type Entries } from './entries.ts';
import { follow, type FollowComponents } from './follow.ts';
import { read } from './read.ts';

/** What can be watched over v2. */
export function createSources(
  components: FollowComponents & { readonly entries: Entries },
  keys: Keys,
): {
  readonly leases: WatchSource<LeaseSnapshot, LeaseChange>;
  readonly config: WatchSource<Config, Config>;
} {
  const { connection, entries } = components;
  const leases = {
    key: directory(keys),
    toChange: (event: ChangeEvent) => entries.toChange(event),
  };
  const config = { key: keys.config, toChange: toConfigChange };
  return {
    leases: {
      list: (options) => entries.readAll(options),
      follow: (after, onStep, signal) => follow(components, leases, { after, onStep, signal }),
    },
    config: {
      async list(options) {
        const { node, index } = await read(connection, keys.config, options);
        return { ...toConfig(node), revision: BigInt(index) };
      },
      follow: (after, onStep, signal) => follow(components, config, { after, onStep, signal }),
    },
  };
}

interface ChangeEvent {
  readonly action: string;
  readonly node: Node;
}

function toConfig(node: Node | undefined): Config {
  return { text: node?.value, version: node && `${node.modifiedIndex}` };
}

function toConfigChange({ action, node }: ChangeEvent): Config {
  if (node.dir) throw new HistoryLostError(`the directory ${node.key} was changed (${action})`);
  return toConfig(isRemoval(action) ? undefined : node);
}
