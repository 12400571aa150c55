import { BackendConfigError } from '@flannel-ts/backend';
import { parseSubnetKey } from '@flannel-ts/ip';
import { LeaseLostError, parseNetworkConfig } from '@flannel-ts/subnet';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createConditions } from '../src/conditions.ts';
import { createGenerationEnd } from '../src/generation-end.ts';

const log = pino({ level: 'silent' });
const config = parseNetworkConfig('{"Network":"10.5.0.0/16"}');
const other = parseNetworkConfig('{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan","VNI":-1}}');

/** A backoff that waits for nothing. */
function createFakeBackoff() {
  const calls: string[] = [];
  const next = () => {
    calls.push('next');
    return 0;
  };
  return { calls, next, reset: () => void calls.push('reset') };
}

function setUp() {
  const conditions = createConditions({ log });
  const backoff = createFakeBackoff();
  const end = createGenerationEnd({ log, conditions, backoff });
  const backend = () => conditions.list().find(({ part }) => part === 'backend');
  return { end, backend, backoff };
}

const running = () => ({ config, changed: new AbortController().signal });

it('begins the next generation at once when the subnet was lost', async () => {
  const { end, backend } = setUp();
  await end.explain(new LeaseLostError(parseSubnetKey('10.5.1.0-24'), undefined), running());
  expect(backend()).toBeUndefined();
});

it('waits after a failure, and no longer once it has become ready', async () => {
  const { end, backend, backoff } = setUp();
  await end.explain(new Error('no such device'), running());
  await end.explain(new Error('no such device'), running());
  expect(backend()).toMatchObject({ state: 'failing', reason: 'no such device' });
  expect(backoff.calls).toEqual(['next', 'next']);
  end.reached(config);
  expect(backend()).toMatchObject({ state: 'ok' });
  expect(backoff.calls).toEqual(['next', 'next', 'reset']);
});

it('ends its wait when something that the next generation is made from changes', async () => {
  const conditions = createConditions({ log });
  const end = createGenerationEnd({
    log,
    conditions,
    backoff: { next: () => 60_000, reset: () => undefined },
  });
  const change = new AbortController();
  const waiting = end.explain(new Error('no such device'), { config, changed: change.signal });
  change.abort(new Error('the config changed'));
  await waiting;
});

it('goes back to the last config that worked when no backend can be made from another one, until an input changes', async () => {
  const { end, backend } = setUp();
  end.reached(end.choose(config));
  expect(end.choose(other)).toBe(other);
  const error = new BackendConfigError('Backend.VNI', 'Backend.VNI must be a whole number');
  const change = new AbortController();
  await end.explain(error, { config: other, changed: change.signal });
  expect(end.choose(other)).toBe(config);
  end.reached(config);
  expect(backend()).toMatchObject({
    state: 'degraded',
    reason: 'Backend.VNI must be a whole number; the former network config stays in use',
  });
  // Another underlay may be one that the config fits.
  change.abort();
  expect(end.choose(other)).toBe(other);
  end.reached(other);
  expect(backend()).toMatchObject({ state: 'ok' });
});
