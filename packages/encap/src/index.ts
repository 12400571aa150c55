/**
 * Codecs for the packets that an overlay carries, and what its tunnels add to them.
 *
 * @packageDocumentation
 */
export { ipHeaderBytes, tunnelOverheadBytes } from './overhead.ts';
