/**
 * flannel backends: leases in, desired host state out.
 *
 * @packageDocumentation
 */
export { createBackends, type Backends, type BackendsOptions } from './backends.ts';
export type {
  Backend,
  BackendAttributes,
  BackendContext,
  DesiredState,
  Encapsulation,
  Underlay,
} from './backend.ts';
export { BackendConfigError, PeerDataError } from './errors.ts';
export type { BackendEvent } from './events.ts';
export { createPeerFollower, type FollowerComponents, type PeerFollower } from './follow-peers.ts';
export { removeFastPath } from '@flannel-ts/tunnel';
export type { TunnelPeersChange } from './tunnel-peers.ts';
export type { TunnelState, UdpOptions } from './udp.ts';
