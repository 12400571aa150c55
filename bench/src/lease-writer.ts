// Run where etcd is: `lease-writer.ts ENDPOINT` puts a key for every line `KEY VALUE` of its standard input, over one
// kept connection, and answers with the time right before, in ns of CLOCK_MONOTONIC, which all processes share.
import { createInterface } from 'node:readline';

const [, , endpoint] = process.argv;
const base64 = (text: string) => Buffer.from(text).toString('base64');

for await (const line of createInterface({ input: process.stdin })) {
  const [, key, value] = /^(\S+) (.*)$/.exec(line)!;
  const body = JSON.stringify({ key: base64(key!), value: base64(value!) });
  const before = process.hrtime.bigint();
  const answer = await fetch(`${endpoint!}/v3/kv/put`, { method: 'POST', body });
  if (!answer.ok) throw new Error(`etcd answered ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
  console.log(`${before}`);
}
