import { createNamespace, run, type Namespace } from '@flannel-ts/lab';
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { inNamespace, openNetlinkPort, type NetlinkPort, type SystemError } from '../src/index.ts';

const RTNLGRP_NEIGH = 3;
const BURST = 20_000;
/** A `ip -batch` of permanent neighbours: one event each. */
const neighbours = Array.from({ length: BURST }, (_, index) => {
  const address = `10.1.${index >> 8}.${index & 255}`;
  return `neighbour add ${address} lladdr 02:00:00:00:00:01 dev br0 nud permanent\n`;
}).join('');

let namespace: Namespace;
beforeEach(async () => {
  namespace = await createNamespace(`ftlab-${process.pid}-burst`);
  await namespace.run('ip', 'link', 'add', 'br0', 'type', 'bridge');
});
afterEach(() => namespace[Symbol.asyncDispose]());

function listen(
  receiveBufferBytes: number,
  onEvent: () => void,
  onError: (error: SystemError) => void,
): NetlinkPort {
  const options = { groups: [RTNLGRP_NEIGH], receiveBufferBytes };
  const port = inNamespace(namespace.path, () => openNetlinkPort(options));
  port.listen(onEvent, onError);
  return port;
}

it(`delivers each of ${BURST} events at once`, async () => {
  let events = 0;
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const count = () => {
    if (++events === BURST) resolve(undefined);
  };
  using _ = listen(64 * 1024 * 1024, count, reject);
  await run(['ip', '-n', namespace.namespace, '-batch', '-'], { input: neighbours });
  await promise;
});

it('reports once that a full buffer lost events, and goes on', async () => {
  const errors: string[] = [];
  let wake = Promise.withResolvers<undefined>();
  const onError = ({ code }: SystemError) => {
    errors.push(code);
    wake.resolve(undefined);
  };
  using _ = listen(64 * 1024, () => wake.resolve(undefined), onError);
  // Holds up the event loop, so that nobody reads.
  execFileSync('ip', ['-n', namespace.namespace, '-batch', '-'], { input: neighbours });
  await wake.promise;
  await new Promise((resolve) => setImmediate(resolve));
  expect(errors).toEqual(['ENOBUFS']);
  wake = Promise.withResolvers();
  await namespace.run('ip', 'neighbour', 'delete', '10.1.0.0', 'dev', 'br0');
  await wake.promise;
});

it('lets the rest of the event loop run during a burst', async () => {
  let turns = 0;
  let last = 0;
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  using _ = listen(
    64 * 1024 * 1024,
    () => {
      if (++last === BURST) resolve(undefined);
    },
    reject,
  );
  execFileSync('ip', ['-n', namespace.namespace, '-batch', '-'], { input: neighbours });
  const turn = () => setImmediate(() => last < BURST && (turns++, turn()));
  turn();
  await promise;
  expect(turns).toBeGreaterThan(10);
});
