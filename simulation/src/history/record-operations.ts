import {
  encodeLeaseAttributes,
  isReadable,
  leaseKey,
  LeaseExistsError,
  LeaseLostError,
  type Lease,
  type LeaseUpdate,
  type Registry,
  type RegistryEntry,
} from '@flannel-ts/subnet';
import type { Operation, Outcome, Seen } from './operation.ts';

/**
 * Returns a registry that adds every call on one key to a history, for {@link checkRegisters}. Listings and
 * watches pass unrecorded.
 * @param recorder.now - a clock that all recorders of a history share
 */
export function recordOperations(
  registry: Registry,
  recorder: { readonly client: string; readonly now: () => number; readonly history: Operation[] },
): Registry {
  const { client, now, history } = recorder;

  async function record<T>(
    { key, request }: Pick<Operation, 'key' | 'request'>,
    call: () => Promise<T>,
    succeeded: (result: T) => Outcome,
  ): Promise<T> {
    const invokedAt = now();
    const add = (outcome: Outcome) => {
      const returnedAt = outcome.kind === 'unknown' ? Infinity : now();
      history.push({ key, client, invokedAt, returnedAt, request, outcome });
    };
    try {
      const result = await call();
      add(succeeded(result));
      return result;
    } catch (error) {
      add(outcomeOf(error));
      throw error;
    }
  }

  const content = ({ attributes, ttlMs }: LeaseUpdate) => ({
    value: encodeLeaseAttributes(attributes),
    mayExpireAt: ttlMs === undefined ? undefined : now() + ttlMs,
  });

  return {
    ...registry,
    createLease: (lease, options) =>
      record(
        { key: leaseKey(lease), request: { kind: 'create', ...content(lease) } },
        () => registry.createLease(lease, options),
        written,
      ),
    updateLease: (lease, update, options) =>
      record(
        { key: leaseKey(lease), request: { kind: 'update', expected: lease.revision, ...content(update) } },
        () => registry.updateLease(lease, update, options),
        written,
      ),
    deleteLease: (lease, options) =>
      record(
        { key: leaseKey(lease), request: { kind: 'delete', expected: lease.revision } },
        () => registry.deleteLease(lease, options),
        () => ({ kind: 'ok' }),
      ),
    readLease: (subnets, options) =>
      record(
        { key: leaseKey({ subnets }), request: { kind: 'read' } },
        () => registry.readLease(subnets, options),
        (entry) => ({ kind: 'seen', seen: seenOf(entry) }),
      ),
  };
}

function written({ revision }: Lease): Outcome {
  return { kind: 'ok', revision };
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof LeaseExistsError) return { kind: 'refused' };
  if (error instanceof LeaseLostError) return { kind: 'refused', seen: seenOf(error.current) };
  return { kind: 'unknown' };
}

/** What cannot be read has no value to compare. */
function seenOf(entry: RegistryEntry | undefined): Seen | undefined {
  if (!entry) return 'nothing';
  return isReadable(entry)
    ? { revision: entry.revision, value: encodeLeaseAttributes(entry.attributes) }
    : undefined;
}
