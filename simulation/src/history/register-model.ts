import type { Operation, RegisterRequest, Seen } from './operation.ts';

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

  /** Whether a state is a version; a write whose answer was lost may have made any revision that has no owner. */
  function matches(state: State, revision: string): 'yes' | 'no' | 'maybe' {
    if (state === 'nothing') return 'no';
    if (state.revision === undefined) return owned.has(revision) ? 'no' : 'maybe';
    return state.revision === revision ? 'yes' : 'no';
  }

  /** The state that an observation leaves: it may show the revision of a write whose answer was lost. */
  function show(state: State, seen: Seen | undefined): readonly State[] {
    if (seen === undefined) return [state];
    if (seen === 'nothing' || state === 'nothing') return seen === state ? [state] : [];
    if (matches(state, seen.revision) === 'no' || state.value !== seen.value) return [];
    return [{ ...state, revision: seen.revision }];
  }

  function holds(state: State, request: RegisterRequest): 'yes' | 'no' | 'maybe' {
    if (request.kind === 'create') return state === 'nothing' ? 'yes' : 'no';
    return 'expected' in request ? matches(state, request.expected) : 'yes';
  }

  function write({ request, outcome }: Operation): State {
    if (!('value' in request)) return 'nothing';
    const revision = outcome.kind === 'ok' ? outcome.revision : undefined;
    return { revision, value: request.value, mayExpireAt: request.mayExpireAt };
  }

  function carryOut(state: State, operation: Operation): readonly State[] {
    const { request, outcome } = operation;
    if (outcome.kind === 'seen') return show(state, outcome.seen);
    if (request.kind === 'read') return [state];
    const condition = holds(state, request);
    if (outcome.kind === 'refused') return condition === 'yes' ? [] : show(state, outcome.seen);
    // What was not carried out although it was sent is as if it had not been sent.
    return condition === 'no' ? [] : [write(operation)];
  }

  return {
    step(state, operation) {
      const mayBeGone =
        state !== 'nothing' && state.mayExpireAt !== undefined && state.mayExpireAt <= operation.returnedAt;
      const before: readonly State[] = mayBeGone ? [state, 'nothing'] : [state];
      return before.flatMap((one) => carryOut(one, operation));
    },
  };
}

/** Returns a text that is equal for equal states. */
export function stateKey(state: State): string {
  return state === 'nothing' ? '' : `${state.revision ?? '?'} ${state.mayExpireAt ?? ''} ${state.value}`;
}
