import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TunnelState } from '@flannel-ts/backend';
import { parseAddress, parseInterfaceAddress, parsePrefix } from '@flannel-ts/ip';
import {
  createFakeClock,
  createRecordingLog,
  type FakeClock,
  type RecordingLog,
} from '@flannel-ts/subnet/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { resumeTunnel } from '../src/resume-tunnel.ts';
import { writeTunnelRecord } from '../src/tunnel-record.ts';

const HOUR_MS = 3_600_000;

/** At a device that every host has. */
const tunnel: TunnelState = {
  ...{ device: 'lo', mtu: 1472, underlay: 'eth0' },
  socket: { address: parseAddress('192.0.2.1'), port: 8285 },
  localSubnets: [parseInterfaceAddress('10.5.1.0/24')],
  routes: [
    {
      destination: parsePrefix('10.5.2.0/24'),
      peer: { address: parseAddress('192.0.2.2'), port: 8285, fastPath: false, ecn: false },
    },
  ],
};

let directory: string;
let subnetFile: string;
let clock: FakeClock;
let log: RecordingLog;
/** What the resumed tunnel carries packets by; `undefined` while there is none. */
let carried: Pick<TunnelState, 'localSubnets' | 'routes'> | undefined;
/** When it was to expire. */
let expiry: number | undefined;
let problem: Error | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'resume-'));
  subnetFile = join(directory, 'subnet.env');
  clock = createFakeClock(HOUR_MS);
  log = createRecordingLog();
  carried = undefined;
  problem = undefined;
});
afterEach(() => rm(directory, { recursive: true }));

function resume(): Disposable {
  return resumeTunnel({ backends: { resumeTunnel: open }, clock, log }, subnetFile);
}

function open({ localSubnets, routes, expiresAt }: TunnelState) {
  if (problem) throw problem;
  expiry = expiresAt;
  carried = { localSubnets, routes };
  return {
    setLocalSubnets: (localSubnets: TunnelState['localSubnets']) => (carried = { ...carried!, localSubnets }),
    setRoutes: (routes: TunnelState['routes']) => (carried = { ...carried!, routes }),
    updateRoutes: () => expect.unreachable(),
  };
}

const { localSubnets, routes } = tunnel;

it('opens the tunnel with what was recorded, until the lease expires', async () => {
  writeTunnelRecord(subnetFile, { tunnel, expiresAt: 2 * HOUR_MS });
  using _resumed = resume();
  expect(carried).toEqual({ localSubnets, routes });
  expect(expiry).toBe(2 * HOUR_MS);
  await clock.advance(HOUR_MS - 1);
  expect(carried).toEqual({ localSubnets, routes });
  await clock.advance(1);
  await clock.advance(0);
  expect(carried).toEqual({ localSubnets: [], routes: [] });
});

it('notices within a minute that the lease has expired while the machine slept', async () => {
  writeTunnelRecord(subnetFile, { tunnel, expiresAt: 2 * HOUR_MS });
  using _resumed = resume();
  await clock.advance(0);
  clock.suspend(HOUR_MS);
  expect(carried).toEqual({ localSubnets, routes });
  await clock.advance(60_000);
  await clock.advance(0);
  expect(carried).toEqual({ localSubnets: [], routes: [] });
});

it('leaves the tunnel alone from when the daemon has a lease', async () => {
  writeTunnelRecord(subnetFile, { tunnel, expiresAt: 2 * HOUR_MS });
  resume()[Symbol.dispose]();
  await clock.advance(24 * HOUR_MS);
  expect(carried).toEqual({ localSubnets, routes });
});

it('lets the tunnel of a reservation carry packets without end', async () => {
  writeTunnelRecord(subnetFile, { tunnel, expiresAt: undefined });
  using _resumed = resume();
  await clock.advance(24 * HOUR_MS);
  expect(carried).toEqual({ localSubnets, routes });
});

it('opens nothing where nothing was recorded, and has nothing to say', () => {
  using _resumed = resume();
  expect(carried).toBeUndefined();
  expect(log.entries).toEqual([]);
});

/** What the log says after a start that resumed nothing. */
function reasonOf(): unknown {
  using _resumed = resume();
  expect(carried).toBeUndefined();
  return log.entries.map(({ facts, message }) => ({ ...facts, message }));
}

const refusal = (reason: string) => [{ reason, message: 'the tunnel of the former run is not resumed' }];

it('opens nothing when the lease has expired', () => {
  writeTunnelRecord(subnetFile, { tunnel, expiresAt: HOUR_MS });
  expect(reasonOf()).toEqual(refusal('its lease has expired'));
});

it('opens nothing when the device is gone', () => {
  writeTunnelRecord(subnetFile, { tunnel: { ...tunnel, device: 'absent0' }, expiresAt: undefined });
  expect(reasonOf()).toEqual(refusal('there is no device absent0'));
});

it('opens nothing when the record is malformed', async () => {
  await writeFile(`${subnetFile}.tunnel`, '{}\n');
  expect(reasonOf()).toEqual(refusal('its first line must be "flanneld tunnel 1", not "{}"'));
});

it('goes on without a tunnel that cannot be opened', () => {
  writeTunnelRecord(subnetFile, { tunnel, expiresAt: undefined });
  problem = new Error('bind EADDRINUSE');
  expect(reasonOf()).toEqual(refusal('bind EADDRINUSE'));
});
