import type { CreateBackend } from './backend.ts';

/** Takes a lease and nothing else: other means move the packets. */
export const createAllocBackend: CreateBackend = async ({ underlay }) => ({
  mtu: underlay.mtu,
  attributes: {},
  overlayInterfaces: [],
  ownership: { links: [], gatewayRoutes: [] },
  planSelf: () => ({}),
  planPeer: () => undefined,
});
