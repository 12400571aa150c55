import type { Device } from '../device.ts';
import type { HostState, Ownership } from '../desired.ts';
import { describeState } from './describe-state.ts';

/** A device that records its calls and touches no kernel. */
export interface RecordingDevice extends Device {
  /** Every call in order: `apply self 10.5.2.0-24`, `update 10.5.3.0-24`, `ensureLink flannel.1`, … */
  readonly calls: readonly string[];
  /** The bounds of the latest `apply`. */
  readonly ownership: Ownership | undefined;
  /** Returns what an owner desires now, in the words of `ip` and `bridge`; `undefined` without anything. */
  desiredBy(owner: string): string[] | undefined;
}

/** @param mac - of every link that is asked for without one. */
export function createRecordingDevice({ mac = '02:00:00:00:00:01' } = {}): RecordingDevice {
  const calls: string[] = [];
  const desired = new Map<string, HostState>();
  let ownership: Ownership | undefined;
  return {
    calls,
    get ownership() {
      return ownership;
    },
    desiredBy(owner) {
      const state = desired.get(owner);
      return state && describeState(state);
    },
    ensureLink(link) {
      calls.push(`ensureLink ${link.name}`);
      return Promise.resolve({ index: 1, mac: link.kind === 'tun' ? undefined : (link.mac ?? mac) });
    },
    apply(states, bounds) {
      calls.push(['apply', ...states.keys()].join(' '));
      ownership = bounds;
      desired.clear();
      for (const [owner, state] of states) desired.set(owner, state);
      return Promise.resolve();
    },
    update(changes) {
      calls.push(['update', ...changes.keys()].join(' '));
      for (const [owner, state] of changes) {
        if (state) desired.set(owner, state);
        else desired.delete(owner);
      }
      return Promise.resolve();
    },
    reconcile() {
      calls.push('reconcile');
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
