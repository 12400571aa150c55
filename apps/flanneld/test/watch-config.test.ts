import { createFakeClock, createMemoryStore, createRecordingLog } from '@flannel-ts/subnet/testing';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createConditions } from '../src/conditions.ts';
import { watchConfig } from '../src/watch-config.ts';

function follow() {
  const store = createMemoryStore(createFakeClock());
  const conditions = createConditions({ log: pino({ level: 'silent' }) });
  const stop = new AbortController();
  const registry = store.open({ log: createRecordingLog() });
  const options = { prefix: '/coreos.com/network', backendTypes: ['udp', 'vxlan'], signal: stop.signal };
  const configs = watchConfig({ registry, conditions }, options);
  const next = async () => {
    const result = await configs.next();
    return result.done ? undefined : result.value.backend;
  };
  const condition = () =>
    conditions
      .list()
      .map(({ state, reason }) => `${state}: ${reason}`)
      .join();
  const writeConfig = (text: string | undefined) => {
    store.writeConfig(text);
  };
  return { writeConfig, next, condition };
}

const CONFIG = '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}';

it('waits for a config, and says which command writes one', async () => {
  const { next, condition, writeConfig } = follow();
  const first = next();
  await expect
    .poll(condition)
    .toMatch(/^failing: there is no network config yet; .*etcdctl put \/coreos\.com\/network\/config/);
  writeConfig(CONFIG);
  expect(await first).toMatchObject({ type: 'vxlan' });
  expect(condition()).toBe('ok: ');
});

it.each([
  ['{"Network":"10.5.0.0/16","SubnetLen":99}', /the network config is invalid: SubnetLen must be/],
  [
    '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlam"}}',
    /unknown backend type: vxlam \(known are udp, vxlan\)/,
  ],
  ['no JSON', /the network config is invalid: not valid JSON/],
  [undefined, /there is no network config yet/],
])('keeps the last valid config while the present one is %j', async (text, reason) => {
  const { next, condition, writeConfig } = follow();
  writeConfig(CONFIG);
  await next();
  const second = next();
  writeConfig(text);
  await expect.poll(condition).toMatch(/^degraded: .*; the last valid one stays in use$/);
  expect(condition()).toMatch(reason);
  writeConfig('{"Network":"10.5.0.0/16"}');
  expect(await second).toMatchObject({ type: 'udp' });
  expect(condition()).toBe('ok: ');
});

it('yields nothing for a config that is only laid out in another way', async () => {
  const { next, writeConfig } = follow();
  writeConfig(CONFIG);
  await next();
  const second = next();
  writeConfig(JSON.stringify(JSON.parse(CONFIG), null, 2));
  writeConfig(CONFIG.replace('vxlan', 'udp'));
  expect(await second).toMatchObject({ type: 'udp' });
});
