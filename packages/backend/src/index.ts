/**
 * flannel backends: leases in, wanted host state out.
 *
 * @packageDocumentation
 */
export { backends, selectBackend } from './backends.ts';
export type { Backend, BackendContext, CreateBackend, Underlay, WantedState } from './backend.ts';
export { BackendConfigError, PeerDataError } from './errors.ts';
export type { BackendEvent } from './events.ts';
export { createPeerFollower, type FollowerComponents, type PeerFollower } from './follow-peers.ts';
