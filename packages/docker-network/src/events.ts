import type { DesiredNetwork } from './desired-network.ts';

/** A step that was made in Docker. */
export type DockerNetworkChange =
  | { readonly kind: 'created'; readonly network: DesiredNetwork; readonly engine: string }
  /** `reasons` tell what was not as desired: `MTU 1400 instead of 1450`. */
  | { readonly kind: 'removed'; readonly name: string; readonly reasons: readonly string[] };

/** Whether Docker has the network. */
export type DockerNetworkState =
  | { readonly kind: 'in-place' }
  /** Docker does not answer; the network is brought in step as soon as it does. */
  | { readonly kind: 'unavailable'; readonly reason: string }
  /** Something that an operator must change; tried again when Docker reports a change, and now and then. */
  | { readonly kind: 'failed'; readonly reason: string };
