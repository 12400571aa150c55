import type { RegistryEvent } from '@flannel-ts/etcd-registry';
import type { Logger } from './log.ts';

/** The part of the daemon that a condition describes; each part owns one condition. */
export type ConditionPart = 'underlay' | 'registry' | 'firewall' | 'docker';

/** `degraded` works with a limit that an operator should know; `failing` needs an operator. */
export type ConditionState = 'ok' | 'degraded' | 'failing';

/** What one part of the daemon reports about itself. */
export interface Condition {
  readonly part: ConditionPart;
  readonly state: ConditionState;
  /** When the state or its reason last changed. */
  readonly since: Date;
  /** What is wrong and what to do about it; empty when the state is `ok`. */
  readonly reason: string;
}

/** The conditions of all parts: the source of `/readyz`. A part that reported nothing has none. */
export interface Conditions {
  /** Replaces the condition of a part; a change is logged, a repetition is not. A state but `ok` has a reason. */
  report(part: ConditionPart, state: ConditionState, reason?: string): void;
  /** Returns the conditions in the order in which the parts first reported. */
  readonly list: () => readonly Condition[];
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
  const conditions = new Map<ConditionPart, Condition>();
  return {
    report(part, state, reason = '') {
      const before = conditions.get(part);
      if (before?.state === state && before.reason === reason) return;
      conditions.set(part, { part, state, since: new Date(), reason });
      if (state === 'failing') log.error({ part }, reason);
      else if (state === 'degraded') log.warn({ part }, reason);
      else if (before) log.info({ part }, `${part} is ok again`);
      onChange?.([...conditions.values()]);
    },
    list: () => [...conditions.values()],
  };
}

/** Reports whether the watches of the registry work. */
export function reportRegistry(conditions: Conditions, event: RegistryEvent): void {
  if (event.kind === 'restored') conditions.report('registry', 'ok');
  else conditions.report('registry', 'degraded', `cannot follow the leases: ${event.reason}`);
}
