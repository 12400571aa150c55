import { HEALTH_PORT, type FaultHost } from './host.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** A kind of trouble that can be made and taken back. */
export interface Fault {
  readonly kind: string;
  /** Whether the world has what this breaks. @default always */
  readonly suits?: (world: World) => boolean;
  /** Whether it may be made while another fault is on: it needs no etcd and no particular host. @default false */
  readonly combines?: boolean;
  inject(world: World, random: Random): Promise<Injection>;
}

/** A fault that is on. */
export interface Injection {
  /** What was done, for the schedule: `host2 for 7 s`. */
  readonly what: string;
  /** How long it stays on, in milliseconds. */
  readonly holdMs: number;
  /** Returns what does not show yet of that which must show while the fault is on. @default nothing has to show */
  readonly effect?: () => Promise<string | undefined>;
  /** Milliseconds that the recovery may take more than others. @default 0 */
  readonly extraMs?: number;
  heal(): Promise<unknown>;
}

/** What `/readyz` of a host answers. */
export interface Readiness {
  /** HTTP status; 0 when nothing answers. */
  readonly status: number;
  readonly body: string;
}

export async function readiness(host: FaultHost): Promise<Readiness> {
  const url = `http://127.0.0.1:${HEALTH_PORT}/readyz`;
  const curl = ['curl', '--silent', '--max-time', '5', '--write-out', '%{http_code}', url];
  const text = await host.run(...curl).catch(() => '000');
  return { status: Number(text.slice(-3)), body: text.slice(0, -3) };
}

/** An {@link Injection.effect}: these hosts are not ready, for this reason. */
export function unready(hosts: readonly FaultHost[], reason: RegExp): () => Promise<string | undefined> {
  return async () => {
    for (const host of hosts) {
      const { status, body } = await readiness(host);
      if (status !== 503 || !reason.test(body))
        return `${host.name} is not 503 because of ${String(reason)}, but ${status}: ${body}`;
    }
    return undefined;
  };
}

/** Draws how long a fault stays on. */
export function seconds(random: Random, least: number, most: number): number {
  return Math.round(1000 * (least + random.next() * (most - least)));
}
