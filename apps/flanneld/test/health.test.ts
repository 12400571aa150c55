import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createConditions } from '../src/conditions.ts';
import { serveHealth } from '../src/health.ts';

it('answers /healthz at once and /readyz when ready', async () => {
  let ready = false;
  await using server = await serveHealth({
    host: '127.0.0.1',
    port: 0,
    ready: () => ready,
    conditions: () => [],
  });
  const status = async (path: string) => (await fetch(`http://127.0.0.1:${server.port}${path}`)).status;
  expect(await status('/healthz')).toBe(200);
  expect(await status('/readyz')).toBe(503);
  ready = true;
  expect(await status('/readyz')).toBe(200);
  expect(await status('/other')).toBe(404);
});

it('is not ready while a condition is failing, and lists every condition', async () => {
  const conditions = createConditions({ log: pino({ level: 'silent' }) });
  await using server = await serveHealth({
    host: '127.0.0.1',
    port: 0,
    ready: () => true,
    conditions: conditions.list,
  });
  const readyz = async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/readyz`);
    return `${response.status} ${await response.text()}`.replaceAll(/since \S+Z/g, 'since TIME');
  };
  conditions.report('firewall', 'degraded', 'a policy drops packets; allow them');
  expect(await readyz()).toBe('200 ok\nfirewall degraded since TIME: a policy drops packets; allow them\n');
  conditions.report('docker', 'failing', 'docker0 has another address; restart Docker');
  expect(await readyz()).toBe(
    '503 failing\nfirewall degraded since TIME: a policy drops packets; allow them\n' +
      'docker failing since TIME: docker0 has another address; restart Docker\n',
  );
  conditions.report('firewall', 'ok');
  conditions.report('docker', 'ok');
  expect(await readyz()).toBe('200 ok\nfirewall ok since TIME\ndocker ok since TIME\n');
});
