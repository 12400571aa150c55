import type { DockerNetworkChange, DockerNetworkComponents, DockerNetworkState } from '../../src/index.ts';

/** Components that remember what they were told, and can be waited on. */
export interface Recording extends DockerNetworkComponents {
  /** `created 10.5.69.0/24 1450`, `removed subnet … instead of …`, in order. */
  readonly changes: string[];
  readonly states: DockerNetworkState[];
  /** Resolves with the first state, reported already or in future, that fits, from the given index on. */
  state(fits: (state: DockerNetworkState) => boolean, from?: number): Promise<DockerNetworkState>;
}

export function createRecording(): Recording {
  const changes: string[] = [];
  const states: DockerNetworkState[] = [];
  let next = Promise.withResolvers<void>();
  return {
    changes,
    states,
    onChange: (change) => changes.push(describe(change)),
    onState: (state) => {
      states.push(state);
      next.resolve();
      next = Promise.withResolvers();
    },
    async state(fits, from = 0) {
      for (;;) {
        const found = states.slice(from).find(fits);
        if (found) return found;
        await next.promise;
      }
    },
  };
}

function describe(change: DockerNetworkChange): string {
  if (change.kind === 'removed') return `removed ${change.name}: ${change.reasons.join(', ')}`;
  const { name, subnet, mtu } = change.network;
  return `created ${name}: ${subnet.toString()}, MTU ${mtu}`;
}
