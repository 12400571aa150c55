import type { FamilyRules } from '../family-rules.ts';
import { DOCKER_USER } from './plan.ts';
import { ruleTarget, type parseSavedTables, type SavedTable } from './saved-table.ts';

/** Whether Docker's chain for operators is there, and called. */
export function hasDockerUser({ chains, rules }: SavedTable): boolean {
  return (
    chains.has(DOCKER_USER) &&
    rules.some((rule) => rule.chain === 'FORWARD' && ruleTarget(rule) === DOCKER_USER)
  );
}

/** Whether iptables drops, or may drop, what the overlay forwards: Docker is there, or the policy is to drop. */
export function drops(
  { forward, ingress }: FamilyRules,
  saved: ReturnType<typeof parseSavedTables>,
): boolean {
  if (!forward && !ingress) return false;
  const filter = saved('filter');
  return hasDockerUser(filter) || filter.chains.get('FORWARD') === 'DROP';
}
