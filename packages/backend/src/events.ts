import type { FastPathState, TunnelFailedError, TunnelOpenError } from '@flannel-ts/tunnel';

/** What a backend has to say to an operator. */
export type BackendEvent =
  /** A peer's lease is not followed, although it seems meant for us. */
  | { readonly kind: 'peer-skipped'; readonly lease: string; readonly reason: string }
  /** The tunnel stopped carrying packets; it is being opened again. */
  | { readonly kind: 'tunnel-failed'; readonly error: TunnelFailedError | TunnelOpenError }
  /** Whether a tunnel that was opened has the fast path that it was asked for. */
  | { readonly kind: 'fast-path'; readonly state: FastPathState }
  /** The tunnel carries packets again. */
  | { readonly kind: 'tunnel-reopened' };
