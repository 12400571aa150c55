import type { Logger } from './log.ts';

/** The part of the daemon that a condition describes; each part owns one condition. */
export type ConditionPart =
  'registry' | 'lease' | 'underlay' | 'backend' | 'peers' | 'firewall' | 'files' | 'docker';

/** `degraded` works with a limit that an operator should know; `failing` needs an operator. */
export type ConditionState = 'ok' | 'degraded' | 'failing';

/** What one part of the daemon reports about itself. */
export interface Condition {
  readonly part: ConditionPart;
  readonly state: ConditionState;
  /** When the state last changed. */
  readonly since: Date;
  /** What is wrong and what to do about it; empty when the state is `ok`. */
  readonly reason: string;
}

/** The conditions of all parts: the source of `/readyz`, of systemd's status and of the log. */
export interface Conditions extends Disposable {
  /**
   * Replaces what is known of one aspect of a part, such as a part's two sources of trouble. The condition of the
   * part has the worst state of its aspects and all their reasons. A state but `ok` has a reason.
   * @param aspect - @default the part has only one
   */
  report(part: ConditionPart, state: ConditionState, reason?: string, aspect?: string): void;
  /** Returns the conditions in the order in which the parts first reported. A part that reported nothing has none. */
  readonly list: () => readonly Condition[];
}

/** Milliseconds until a condition that stays as it is is logged again; doubled up to the longest. */
const FIRST_REMINDER_MS = 60_000;
const LONGEST_REMINDER_MS = 60 * 60_000;
/** As many reasons of one trouble are logged at once; more of them wait for the next reminder. */
const MOST_REASONS = 16;

/** One trouble of a part, from the first report until the part is ok. */
interface Trouble {
  /** Reasons that were logged: one that comes again, as two that alternate, is no news. */
  readonly logged: Set<string>;
  reminder: NodeJS.Timeout | undefined;
}

/**
 * Creates an empty set of conditions.
 * @param components.onChange - called after every change, with the conditions of all parts
 */
export function createConditions({
  log,
  onChange,
}: {
  readonly log: Logger;
  readonly onChange?: (conditions: readonly Condition[]) => void;
}): Conditions {
  const aspects = new Map<ConditionPart, Map<string, Pick<Condition, 'state' | 'reason'>>>();
  const conditions = new Map<ConditionPart, Condition>();
  const troubles = new Map<ConditionPart, Trouble>();

  function announce(condition: Condition): void {
    const { part, reason } = condition;
    const trouble = troubles.get(part) ?? { logged: new Set(), reminder: undefined };
    troubles.set(part, trouble);
    if (trouble.logged.has(reason) || trouble.logged.size >= MOST_REASONS) return;
    trouble.logged.add(reason);
    say(condition, {});
    trouble.reminder ??= remindIn(FIRST_REMINDER_MS, part);
  }

  function say({ part, state, reason }: Condition, facts: object): void {
    if (state === 'failing') log.error({ part, ...facts }, reason);
    else log.warn({ part, ...facts }, reason);
  }

  function remindIn(ms: number, part: ConditionPart): NodeJS.Timeout {
    return setTimeout(() => {
      const condition = conditions.get(part)!;
      say(condition, { since: condition.since.toISOString() });
      troubles.get(part)!.reminder = remindIn(Math.min(2 * ms, LONGEST_REMINDER_MS), part);
    }, ms).unref();
  }

  function settle(part: ConditionPart): void {
    clearTimeout(troubles.get(part)?.reminder);
    if (troubles.delete(part)) log.info({ part }, `${part} is ok again`);
  }

  return {
    report(part, state, reason = '', aspect = '') {
      const known = aspects.get(part) ?? new Map<string, Pick<Condition, 'state' | 'reason'>>();
      aspects.set(part, known.set(aspect, { state, reason }));
      const merged = merge([...known.values()]);
      const before = conditions.get(part);
      if (before?.state === merged.state && before.reason === merged.reason) return;
      const since = before?.state === merged.state ? before.since : new Date();
      const condition = { part, ...merged, since };
      conditions.set(part, condition);
      if (condition.state === 'ok') settle(part);
      else announce(condition);
      onChange?.([...conditions.values()]);
    },
    list: () => [...conditions.values()],
    [Symbol.dispose]() {
      for (const { reminder } of troubles.values()) clearTimeout(reminder);
    },
  };
}

const STATES: readonly ConditionState[] = ['ok', 'degraded', 'failing'];

/** The worst state, and the reasons of all that are not ok, the worst first. */
function merge(aspects: readonly Pick<Condition, 'state' | 'reason'>[]): Pick<Condition, 'state' | 'reason'> {
  const bad = aspects
    .filter(({ state }) => state !== 'ok')
    .sort((one, other) => STATES.indexOf(other.state) - STATES.indexOf(one.state));
  return { state: bad[0]?.state ?? 'ok', reason: bad.map(({ reason }) => reason).join('; ') };
}
