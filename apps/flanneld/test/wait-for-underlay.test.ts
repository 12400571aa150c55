import { openNetlinkPort } from '@flannel-ts/native';
import { createNetlink } from '@flannel-ts/netlink';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createConditions } from '../src/conditions.ts';
import { waitForUnderlay } from '../src/wait-for-underlay.ts';

it('logs what it waits for once, and a reminder now and then', async () => {
  const stop = new AbortController();
  const lines: string[] = [];
  const log = pino(
    { base: null, timestamp: false },
    {
      write: (line: string) => {
        lines.push((JSON.parse(line) as { msg: string }).msg);
        if (lines.length === 3) stop.abort();
      },
    },
  );
  await expect(wait({ iface: ['nope'] }, { log, stop })).rejects.toThrow('aborted');
  expect(lines).toEqual([
    expect.stringMatching(/^no interface matches -iface nope; there are lo/),
    ...Array<string>(2).fill('still waiting for the underlay interface'),
  ]);
});

it('throws at once for an expression that can never match', async () => {
  const wrong = wait({ iface: ['nope'], regex: ['eth['] });
  await expect(wrong).rejects.toThrow('-iface-regex must be a regular expression, not "eth["');
});

async function wait(
  { iface, regex = [] }: { readonly iface: readonly string[]; readonly regex?: readonly string[] },
  { log = pino({ level: 'silent' }), stop = new AbortController() } = {},
): Promise<unknown> {
  await using netlink = createNetlink({ openPort: openNetlinkPort });
  const conditions = createConditions({ log });
  const choice = { iface, 'iface-regex': regex, 'iface-can-reach': undefined };
  return await waitForUnderlay(
    { netlink, conditions, log },
    { ...choice, 'public-ip': undefined, 'public-ipv6': undefined },
    { signal: stop.signal, reminderMs: 1 },
  );
}
