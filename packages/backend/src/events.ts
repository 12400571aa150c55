import type { FastPathState } from '@flannel-ts/tunnel';
import type { BackendAttributes } from './backend.ts';

/** What a backend and a follower report to an operator. */
export type BackendEvent =
  /** A peer's lease is not followed, although it seems meant for us. Reported once for each reason. */
  | { readonly kind: 'peer-skipped'; readonly lease: string; readonly reason: string }
  /** This host's lease must say something else to peers from now on: `Backend.attributes` changed. */
  | { readonly kind: 'attributes'; readonly attributes: BackendAttributes }
  /** The tunnel stopped carrying packets, or could not be opened again; it is opened again until that works. */
  | { readonly kind: 'tunnel-failed'; readonly error: Error }
  /** Whether a tunnel that was opened has the fast path that it was asked for. */
  | { readonly kind: 'fast-path'; readonly state: FastPathState }
  /** The tunnel carries packets again. */
  | { readonly kind: 'tunnel-reopened' };
