/**
 * One call on one key, as plain data: what was asked, what came back and when. Times are of one clock, in
 * any unit. A history is a list of them, in any order.
 */
export interface Operation {
  /** The lease's key, such as `10.5.1.0-24`. */
  readonly key: string;
  /** Who called, for messages. */
  readonly client: string;
  readonly invokedAt: number;
  /** When the answer came; `Infinity` for an answer that never came. */
  readonly returnedAt: number;
  readonly request: RegisterRequest;
  readonly outcome: Outcome;
}

export type RegisterRequest =
  | { readonly kind: 'create'; readonly value: string; readonly mayExpireAt?: number | undefined }
  | {
      readonly kind: 'update';
      readonly expected: string;
      readonly value: string;
      readonly mayExpireAt?: number | undefined;
    }
  | { readonly kind: 'delete'; readonly expected: string }
  /** A write of another program, without a condition. */
  | { readonly kind: 'put'; readonly value: string; readonly mayExpireAt?: number | undefined }
  | { readonly kind: 'remove' }
  | { readonly kind: 'read' };

export type Outcome =
  /** It was carried out. Writes but removals return the revision that they made. */
  | { readonly kind: 'ok'; readonly revision?: string | undefined }
  /** A condition did not hold. */
  | { readonly kind: 'refused'; readonly seen?: Seen | undefined }
  /** A read's answer; `undefined` for one that tells no version, such as an unreadable value. */
  | { readonly kind: 'seen'; readonly seen?: Seen | undefined }
  /** The answer was lost: it was carried out once, at any time after its call, or never. */
  | { readonly kind: 'unknown' };

/** What a call saw under its key: one version, or nothing. */
export type Seen = { readonly revision: string; readonly value: string } | 'nothing';

/** Returns one line about an operation. */
export function describeOperation({
  key,
  client,
  invokedAt,
  returnedAt,
  request,
  outcome,
}: Operation): string {
  const facts = [
    'expected' in request ? `expecting ${request.expected}` : '',
    outcome.kind === 'ok' ? `ok ${outcome.revision ?? ''}`.trim() : outcome.kind,
    'seen' in outcome && outcome.seen ? (outcome.seen === 'nothing' ? 'nothing' : outcome.seen.revision) : '',
  ].filter((fact) => fact !== '');
  return `[${invokedAt}, ${returnedAt}] ${client} ${request.kind} ${key}: ${facts.join(' ')}`;
}
