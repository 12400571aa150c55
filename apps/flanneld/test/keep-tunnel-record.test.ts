import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TunnelState } from '@flannel-ts/backend';
import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import type { Lease } from '@flannel-ts/subnet';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createConditions, type Conditions } from '../src/conditions.ts';
import { keepTunnelRecord } from '../src/keep-tunnel-record.ts';
import { readTunnelRecord } from '../src/tunnel-record.ts';

let directory: string;
let subnetFile: string;
let tunnel: TunnelState | undefined;
let expiresAt: Lease['expiresAt'];
/** When the tunnel expires. */
let expiry: number | undefined;
let conditions: Conditions;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keep-tunnel-'));
  subnetFile = join(directory, 'subnet.env');
  conditions = createConditions({ log: pino({ level: 'silent' }) });
  expiresAt = 1_000;
  tunnel = {
    ...{ device: 'flannel0', mtu: 1472, underlay: 'eth0', localSubnets: [], routes: [] },
    socket: { address: parseAddress('192.0.2.1'), port: 8285 },
  };
  vi.useFakeTimers();
});
afterEach(async () => {
  vi.useRealTimers();
  conditions[Symbol.dispose]();
  await rm(directory, { recursive: true });
});

function keep(release = false) {
  const attributes = { publicIp: { ipv4: parseAddress('192.0.2.1') } };
  return keepTunnelRecord(
    { 'subnet-file': subnetFile, 'release-lease-on-exit': release },
    {
      backends: { tunnelState: () => tunnel, setTunnelExpiry: (at) => (expiry = at) },
      keeper: {
        get lease() {
          return { subnets: parseSubnetKey('10.5.1.0-24'), revision: '1', attributes, expiresAt };
        },
      },
      conditions,
    },
  );
}

it('writes what the tunnel and the lease are a second after a change', () => {
  using keeper = keep();
  keeper.changed();
  keeper.changed();
  expiresAt = 2_000;
  vi.advanceTimersByTime(999);
  expect(readTunnelRecord(subnetFile)).toBeUndefined();
  vi.advanceTimersByTime(1);
  expect(readTunnelRecord(subnetFile)).toEqual({ tunnel, expiresAt: 2_000 });
});

it('writes at its end what has changed, and nothing later', () => {
  const keeper = keep();
  keeper.changed();
  keeper[Symbol.dispose]();
  expect(readTunnelRecord(subnetFile)).toEqual({ tunnel, expiresAt: 1_000 });
  expect(vi.getTimerCount()).toBe(0);
});

it('keeps no record without a tunnel, nor of a lease that ends with the daemon', () => {
  const write = (release = false) => {
    using keeper = keep(release);
    keeper.changed();
  };
  write();
  write(true);
  expect(readTunnelRecord(subnetFile)).toBeUndefined();
  write();
  tunnel = undefined;
  write();
  expect(readTunnelRecord(subnetFile)).toBeUndefined();
});

it('has the tunnel expire with the lease from the beginning, and with a renewed one', () => {
  using keeper = keep(true);
  expect(expiry).toBe(1_000);
  const renew = (at: Lease['expiresAt']) => {
    expiresAt = at;
    keeper.changed();
    vi.advanceTimersByTime(1_000);
    return expiry;
  };
  expect(renew(2_000)).toBe(2_000);
  expect(renew('unknown')).toBe(2_000);
  expect(renew(undefined)).toBeUndefined();
});

it('reports a record that cannot be written, until it can', async () => {
  const parent = join(directory, 'parent');
  await writeFile(parent, '');
  subnetFile = join(parent, 'subnet.env');
  using keeper = keep();
  const next = () => {
    keeper.changed();
    vi.advanceTimersByTime(1_000);
    return conditions.list();
  };
  expect(next()).toMatchObject([
    {
      part: 'files',
      state: 'degraded',
      reason: expect.stringContaining('the tunnel cannot be recorded') as string,
    },
  ]);
  await rm(parent);
  expect(next()).toMatchObject([{ part: 'files', state: 'ok' }]);
});
