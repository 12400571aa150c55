import { describeOperation, type Operation } from './operation.ts';
import { createRegisterModel, stateKey, type State } from './register-model.ts';

export type Verdict =
  | { readonly kind: 'linearizable' }
  /** No order of the operations explains their outcomes. */
  | { readonly kind: 'violation'; readonly key: string; readonly explanation: string }
  /** The search was given up. */
  | { readonly kind: 'undecided'; readonly key: string };

/** The call or the return of an operation, in a list from which operations are lifted and put back. */
interface Event {
  readonly index: number;
  readonly kind: 'call' | 'return';
  readonly time: number;
  previous: Event | undefined;
  next: Event | undefined;
  /** Of a call. */
  answer: Event | undefined;
}

/** Steps of a search before it is given up. */
const LIMIT = 5_000_000;

/**
 * Checks that the lease register of every key is linearizable: that some order of its operations, in which
 * none comes before one that had returned when it was called, explains every outcome. The algorithm is Wing
 * and Gong's search with Lowe's memory of (what is linearized, state), as in Porcupine, key by key.
 */
export function checkRegisters(history: readonly Operation[], { limit = LIMIT } = {}): Verdict {
  for (const [key, operations] of Map.groupBy(history, (operation) => operation.key)) {
    const verdict = checkKey(key, operations, limit);
    if (verdict.kind !== 'linearizable') return verdict;
  }
  return { kind: 'linearizable' };
}

function checkKey(key: string, operations: readonly Operation[], limit: number): Verdict {
  const model = createRegisterModel(operations);
  const head = toEvents(operations);
  const tried = new Set<string>();
  const linearized = new Uint32Array((operations.length + 31) >> 5);
  const stack: { readonly call: Event; readonly state: State; readonly others: State[] }[] = [];
  let state: State = 'nothing';
  let event = head.next;
  let longest: readonly number[] = [];

  /** Linearizes a call with the first of its states that was not tried with the same set before. */
  function advance(call: Event, from: State, states: State[]): boolean {
    toggle(linearized, call.index);
    for (let next = states.shift(); next !== undefined; next = states.shift()) {
      const memory = `${linearized.join()} ${stateKey(next)}`;
      if (tried.has(memory)) continue;
      tried.add(memory);
      stack.push({ call, state: from, others: states });
      lift(call);
      state = next;
      event = head.next;
      if (stack.length > longest.length) longest = stack.map((item) => item.call.index);
      return true;
    }
    toggle(linearized, call.index);
    return false;
  }

  for (let steps = 0; event; steps++) {
    if (steps > limit) return { kind: 'undecided', key };
    if (event.kind === 'call') {
      const states = [...model.step(state, operations[event.index]!)];
      if (!advance(event, state, states)) event = event.next;
      continue;
    }
    // Answers that were lost sort last: what is left may never have been carried out.
    if (operations[event.index]!.outcome.kind === 'unknown') break;
    for (;;) {
      const last = stack.pop();
      if (!last) return { kind: 'violation', key, explanation: explain(operations, longest) };
      toggle(linearized, last.call.index);
      putBack(last.call);
      if (advance(last.call, last.state, last.others)) break;
      state = last.state;
      event = last.call.next;
      if (event) break;
    }
  }
  return { kind: 'linearizable' };
}

/** Makes the list of calls and returns by time, behind a head that is neither. */
function toEvents(operations: readonly Operation[]): Event {
  const events = operations.flatMap(({ invokedAt, returnedAt, outcome }, index): Event[] => {
    const links = { previous: undefined, next: undefined, answer: undefined };
    const time = outcome.kind === 'unknown' ? Infinity : returnedAt;
    const answer: Event = { index, kind: 'return', time, ...links };
    return [{ index, kind: 'call', time: invokedAt, ...links, answer }, answer];
  });
  // Of one time, calls come first: what touches is concurrent.
  const rank = ({ index, kind }: Event) =>
    kind === 'call' ? 0 : operations[index]!.outcome.kind === 'unknown' ? 2 : 1;
  // Infinity less Infinity is no number.
  events.sort((a, b) => (a.time === b.time ? rank(a) - rank(b) : a.time - b.time));
  const head: Event = { ...events[0]!, previous: undefined, next: undefined, answer: undefined };
  let last = head;
  for (const event of events) {
    last.next = event;
    event.previous = last;
    last = event;
  }
  return head;
}

function lift(call: Event): void {
  for (const event of [call, call.answer!]) {
    event.previous!.next = event.next;
    if (event.next) event.next.previous = event.previous;
  }
}

/** Undoes {@link lift}, in the opposite order. */
function putBack(call: Event): void {
  for (const event of [call.answer!, call]) {
    event.previous!.next = event;
    if (event.next) event.next.previous = event;
  }
}

function toggle(bits: Uint32Array, index: number): void {
  bits[index >> 5]! ^= 1 << (index & 31);
}

function explain(operations: readonly Operation[], longest: readonly number[]): string {
  const rest = operations.filter((_, index) => !longest.includes(index));
  const shown = rest.filter(({ outcome }) => outcome.kind !== 'unknown').slice(0, 5);
  return [
    `${longest.length} operations can be put in order, the last of them`,
    ...longest.slice(-5).map((index) => `  ${describeOperation(operations[index]!)}`),
    'and none of these can follow',
    ...shown.map((operation) => `  ${describeOperation(operation)}`),
  ].join('\n');
}
