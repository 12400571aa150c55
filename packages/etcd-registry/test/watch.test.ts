import { Duplex } from 'node:stream';
import { systemClock } from '@flannel-ts/subnet';
import { createRecordingLog } from '@flannel-ts/subnet/testing';
import type { IWatchRequest, IWatchResponse } from 'etcd3';
import { expect, it } from 'vitest';
import { createKeys } from '../src/keys.ts';
import { createLeaseReader } from '../src/lease-reader.ts';
import type { Connection } from '../src/v3/connection.ts';
import { createEntries } from '../src/v3/entries.ts';
import type { Member } from '../src/v3/member.ts';
import { watchLeases } from '../src/v3/watch.ts';

const keys = createKeys('/coreos.com/network');
const response = (revision: number, fields: Partial<IWatchResponse> = {}) => ({
  header: { revision: `${revision}` },
  created: false,
  canceled: false,
  compact_revision: '0',
  events: [],
  ...fields,
});
const put = (name: string, revision: number) => ({
  type: 'Put',
  kv: {
    key: Buffer.from(keys.subnets + name),
    value: Buffer.from('{"PublicIP":"192.0.2.1"}'),
    mod_revision: `${revision}`,
    lease: '0',
  },
});

/** An etcd without leases, at revision 100 first and 200 then, whose watches answer as the script says and then break. */
function scriptedEtcd(script: readonly (readonly object[])[], played: () => void) {
  const startRevisions: (string | number | undefined)[] = [];
  const watch = () => {
    const stream = new Duplex({
      objectMode: true,
      read: () => undefined,
      write(request: IWatchRequest, _encoding, done) {
        startRevisions.push(
          (request as { create_request: { start_revision: string } }).create_request.start_revision,
        );
        const answers = script[startRevisions.length - 1];
        if (answers) for (const answer of [...answers, null]) stream.push(answer);
        else played();
        done();
      },
    });
    return Promise.resolve(Object.assign(stream, { cancel: () => undefined }));
  };
  let reads = 0;
  const range = () => Promise.resolve({ header: { revision: reads++ === 0 ? '100' : '200' }, kvs: [] });
  const member = {
    endpoint: new URL('http://etcd:2379'),
    client: { kv: { range }, watchClient: { watch } },
    request: () => ({}),
    stream: () => ({}),
  } as unknown as Member;
  const attempt = { member, request: {}, deadline: Infinity, repeated: false, leave: () => undefined };
  const connection: Connection = { call: (send) => send(attempt) };
  return { connection, startRevisions };
}

it('a watch resumes after what it has seen, and not where etcd is', async () => {
  const abort = new AbortController();
  const events = [put('10.5.1.0-24', 119), put('10.5.2.0-24', 120)] as never;
  const script = [
    [response(140, { created: true })],
    [response(150, { created: true }), response(150, { events })],
    [response(150, { created: true }), response(160)],
  ];
  const { connection, startRevisions } = scriptedEtcd(script, () => abort.abort());
  const log = createRecordingLog();
  const entries = createEntries({ connection, keys, read: createLeaseReader(log) });
  const components = { connection, entries, keys, clock: systemClock, log, random: () => 0 };
  const kinds: string[] = [];
  for await (const event of watchLeases(components, abort.signal)) kinds.push(event.kind);
  expect(kinds).toEqual(['snapshot', 'delta']);
  expect(startRevisions).toEqual(['101', '101', '121', '161']);
});
