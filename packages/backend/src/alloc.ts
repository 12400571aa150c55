import type { CreateBackend } from './backend.ts';

/** Takes a lease and nothing else: whoever runs this host moves the packets. */
export const createAllocBackend: CreateBackend = async ({ underlay }) => ({
  mtu: underlay.mtu,
  attributes: {},
  overlayInterfaces: [],
  ownership: { links: [], gatewayRoutes: [] },
  planSelf: () => ({}),
  planPeer: () => undefined,
  [Symbol.asyncDispose]: () => Promise.resolve(),
});
