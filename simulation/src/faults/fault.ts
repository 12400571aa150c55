import type { Pause } from '../world/host-time.ts';

/** Something that goes wrong, as plain data; times in milliseconds of virtual time. */
export type Fault = { readonly at: number } & (
  | { readonly kind: 'outage'; readonly durationMs: number }
  | { readonly kind: 'partition'; readonly hosts: readonly number[]; readonly durationMs: number }
  | {
      readonly kind: 'bad-network';
      readonly hosts: readonly number[];
      readonly durationMs: number;
      readonly lostRequests: number;
      readonly lostReplies: number;
      readonly latencyMs: number;
    }
  /** The streams of watches end. */
  | { readonly kind: 'watch-break'; readonly hosts: readonly number[]; readonly compact: boolean }
  /** Watches miss what changes, without an error. */
  | { readonly kind: 'watch-deaf'; readonly hosts: readonly number[]; readonly durationMs: number }
  /** The registry is down, and comes up as it was `ageMs` before; then its revision goes `ahead`. */
  | {
      readonly kind: 'restore';
      readonly downMs: number;
      readonly ageMs: number;
      readonly ahead: number;
    }
  /** As `restore`, and the next write, over a host's lease, gets the revision that the lease had. */
  | {
      readonly kind: 'repeated-revision';
      readonly host: number;
      readonly downMs: number;
      readonly ageMs: number;
    }
  | { readonly kind: 'wipe'; readonly downMs: number; readonly ahead: number }
  /** Hosts lose power, and perhaps the registry's data too; all of them start again at once. */
  | {
      readonly kind: 'power-cut';
      readonly hosts: readonly number[];
      readonly downMs: number;
      readonly keepSubnetFile: boolean;
      readonly wipe: boolean;
    }
  | { readonly kind: 'pause'; readonly host: number; readonly durationMs: number; readonly how: Pause }
  /** A daemon is killed. A host that is down for ever has a `downMs` of Infinity. */
  | {
      readonly kind: 'crash';
      readonly host: number;
      readonly downMs: number;
      readonly keepSubnetFile: boolean;
      readonly reboot: boolean;
    }
  /** A host's public address changes; its daemon notices, or is killed and started again after a while. */
  | {
      readonly kind: 'readdress';
      readonly host: number;
      readonly downMs: number;
      readonly family: 4 | 6;
      readonly live: boolean;
    }
  | { readonly kind: 'clock-step'; readonly host: number; readonly ms: number }
  /** An operator writes something under a free key, and deletes it after a while. */
  | { readonly kind: 'junk'; readonly what: Junk; readonly choice: number; readonly durationMs: number }
  | { readonly kind: 'delete-lease'; readonly host: number }
  /** An operator writes over a host's lease, and deletes what was written after a while. */
  | {
      readonly kind: 'overwrite-lease';
      readonly host: number;
      readonly what: Overwrite;
      readonly durationMs: number;
    }
);

/** The faults of one kind. */
export type FaultOf<K extends Fault['kind']> = Extract<Fault, { readonly kind: K }>;

export type Junk =
  | 'bad-key'
  | 'bad-value'
  | 'bad-peer-data'
  | 'wide-reservation'
  | 'narrow-reservation'
  | 'reservation-for-host'
  | 'other-backend'
  | 'outside-network';

export type Overwrite = 'garbage' | 'another-host' | 'same-host';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Returns one line about a fault, for a schedule. */
export function describeFault(fault: Fault): string {
  const { at, kind, ...facts } = fault;
  const words = Object.entries(facts).map(
    ([name, value]) => `${name.replace(/Ms$/, '')}=${describe(name, value)}`,
  );
  return [formatTime(at), kind, ...words].join(' ');
}

function describe(name: string, value: unknown): string {
  if (typeof value === 'number' && (name.endsWith('Ms') || name === 'ms')) return formatDuration(value);
  if (name === 'host') return `host-${(value as number) + 1}`;
  if (name === 'hosts') return (value as number[]).map((index) => `host-${index + 1}`).join(',');
  return typeof value === 'number' ? `${Math.round(value * 100) / 100}` : String(value);
}

/** `3d 07:30:12.345` */
export function formatTime(ms: number): string {
  const time = new Date(Math.round(ms) % DAY_MS).toISOString().slice(11, 23);
  return `${Math.floor(Math.round(ms) / DAY_MS)}d ${time}`;
}

function formatDuration(ms: number): string {
  if (ms === Infinity) return 'for-ever';
  const [unit, size] = (
    [
      ['d', DAY_MS],
      ['h', HOUR_MS],
      ['min', MINUTE_MS],
      ['s', 1000],
    ] as const
  ).find(([, length]) => Math.abs(ms) >= length) ?? ['ms', 1];
  return `${Math.round((ms / size) * 10) / 10}${unit}`;
}
