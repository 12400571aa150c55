/**
 * flannel backends: leases in, wanted host state out.
 *
 * @packageDocumentation
 */
export type {
  Backend,
  BackendContext,
  CreateBackend,
  TunnelRoutes,
  Underlay,
  WantedState,
} from './backend.ts';
