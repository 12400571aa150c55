import { expect, it } from 'vitest';
import { serveHealth } from '../src/health.ts';

it('answers /healthz at once and /readyz when ready', async () => {
  let ready = false;
  await using server = await serveHealth({ host: '127.0.0.1', port: 0, ready: () => ready });
  const status = async (path: string) => (await fetch(`http://127.0.0.1:${server.port}${path}`)).status;
  expect(await status('/healthz')).toBe(200);
  expect(await status('/readyz')).toBe(503);
  ready = true;
  expect(await status('/readyz')).toBe(200);
  expect(await status('/other')).toBe(404);
});
