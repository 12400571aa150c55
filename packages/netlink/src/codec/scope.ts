import { RT_SCOPE } from '../constants.ts';
import type { Scope } from '../objects.ts';

/** Numbers between the named scopes are administrators' own; the nearest wider name serves. */
export function scopeName(scope: number): Scope {
  if (scope >= RT_SCOPE.nowhere) return 'nowhere';
  if (scope >= RT_SCOPE.host) return 'host';
  if (scope >= RT_SCOPE.link) return 'link';
  return scope >= RT_SCOPE.site ? 'site' : 'global';
}
