import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds between attempts; upstream's. */
const RETRY_MS = 1_000;

/** Why something does not work yet, in words that an operator can act on. */
export class NotYet {
  readonly reason: string;
  readonly facts: object;

  constructor(reason: string, facts: object = {}) {
    this.reason = reason;
    this.facts = facts;
  }
}

/** Tries every second until it works. A reason is told when it is a new one, and not every second. */
export async function keepTrying<T>(
  attempt: () => Promise<T | NotYet>,
  { tell, signal }: { readonly tell: (problem: NotYet) => void; readonly signal: AbortSignal },
): Promise<T> {
  let said = '';
  for (;;) {
    const result = await attempt();
    if (!(result instanceof NotYet)) return result;
    if (result.reason !== said) tell(result);
    said = result.reason;
    await delay(RETRY_MS, undefined, { signal });
  }
}
