import type { Operation, Seen } from './operation.ts';

/** What a register holds: one version, or nothing. */
export type State = Version | 'nothing';

export interface Version {
  /** `undefined` for a write whose answer was lost, until some call shows it. */
  readonly revision: string | undefined;
  readonly value: string;
  /** From when on it may have vanished by itself; `undefined` for never. */
  readonly mayExpireAt: number | undefined;
}

/** The lease register as a state machine: a compare-and-swap of one key with times to live. */
export interface RegisterModel {
  /**
   * Returns the states that carrying an operation out may lead to, none when its outcome contradicts the
   * state. A version whose time to live may have been over by then leads on as itself and as nothing.
   */
  step(state: State, operation: Operation): readonly State[];
}

export function createRegisterModel(operations: readonly Operation[]): RegisterModel {
  /** Revisions whose writers got an answer. Any other one was made by a write whose answer was lost. */
  const owned = new Set(
    operations.map(({ outcome }) => (outcome.kind === 'ok' ? outcome.revision : undefined)),
  );

  function has(state: State, revision: string): boolean {
    if (state === 'nothing') return false;
    return state.revision === undefined ? !owned.has(revision) : state.revision === revision;
  }

  /** The state that an observation leaves: it may show the revision of a write whose answer was lost. */
  function shown(state: State, seen: Seen | undefined): State | undefined {
    if (seen === undefined) return state;
    if (seen === 'nothing' || state === 'nothing') return seen === state ? state : undefined;
    if (!has(state, seen.revision) || state.value !== seen.value) return undefined;
    return { ...state, revision: seen.revision };
  }

  function carryOut(state: State, { request, outcome }: Operation): State | undefined {
    if (request.kind === 'read') return outcome.kind === 'seen' ? shown(state, outcome.seen) : state;
    const holds =
      request.kind === 'create'
        ? state === 'nothing'
        : 'expected' in request
          ? has(state, request.expected)
          : true;
    if (outcome.kind === 'refused') return holds ? undefined : shown(state, outcome.seen);
    if (!holds) return outcome.kind === 'unknown' ? state : undefined;
    if (request.kind === 'delete' || request.kind === 'remove') return 'nothing';
    const revision = outcome.kind === 'ok' ? outcome.revision : undefined;
    return { revision, value: request.value, mayExpireAt: request.mayExpireAt };
  }

  return {
    step(state, operation) {
      const mayBeGone =
        state !== 'nothing' && state.mayExpireAt !== undefined && state.mayExpireAt <= operation.returnedAt;
      const before: readonly State[] = mayBeGone ? [state, 'nothing'] : [state];
      return before.map((one) => carryOut(one, operation)).filter((after) => after !== undefined);
    },
  };
}

/** Returns a text that is equal for equal states. */
export function stateKey(state: State): string {
  return state === 'nothing' ? '' : `${state.revision ?? '?'} ${state.mayExpireAt ?? ''} ${state.value}`;
}
