import { DAY_MS, HOUR_MS, type RunRequest } from '../world/plan.ts';
import { createRandom, type RandomSource } from '../world/random.ts';
import type { Fault } from './fault.ts';

const MINUTE_MS = 60_000;
/** Faults of a cluster per day, and those of hosts, which grow with the root of its size. */
const CLUSTER_FAULTS_PER_DAY = 1.5;
const HOST_FAULTS_PER_DAY = 0.8;

/** Returns what goes wrong in a run, in order of time. */
export function generateFaults({ seed, daemons, days }: RunRequest): readonly Fault[] {
  const random = createRandom(`${seed}/faults`);
  const live = createRandom(`${seed}/faults/live`);
  const clusterFaults = Math.ceil(CLUSTER_FAULTS_PER_DAY * days * (0.5 + random.next()));
  const hostFaults = Math.ceil(HOST_FAULTS_PER_DAY * days * Math.sqrt(daemons) * (0.5 + random.next()));
  const at = () => MINUTE_MS + random.next() * (days * DAY_MS - MINUTE_MS);
  const host = () => random.integer(0, daemons - 1);
  const some = () => {
    const share = random.pick([0.1, 0.5, 1]);
    const hosts = Array.from({ length: daemons }, (_, index) => index).filter(() => random.chance(share));
    return hosts.length > 0 ? hosts : [host()];
  };
  // What an operator reserves before the first host comes.
  const reservations = Array.from({ length: random.integer(1, 4) }, () => junk(random, 0, days * DAY_MS));
  const faults = [
    ...reservations,
    ...Array.from({ length: clusterFaults }, () => clusterFault(random, { at: at(), some, daemons })),
    ...Array.from({ length: hostFaults }, () =>
      hostFault(random, { at: at(), host: host(), live: live.chance(0.5) }),
    ),
  ];
  return faults.sort((a, b) => a.at - b.at);
}

function clusterFault(
  random: RandomSource,
  {
    at,
    some,
    daemons,
  }: { readonly at: number; readonly some: () => readonly number[]; readonly daemons: number },
): Fault {
  const lasting = (min: number, max: number) => logUniform(random, min, max);
  // All hosts try again and again meanwhile, which takes most of the time of a run; of many hosts, some do.
  const outageMs = () => lasting(1000, random.chance(10 / daemons) ? 36 * HOUR_MS : 2 * HOUR_MS);
  const ahead = () => random.pick([0, 0, random.integer(1, 50), 10_000]);
  const choices: (() => Fault)[] = [
    () => ({ at, kind: 'outage', durationMs: outageMs() }),
    () => ({ at, kind: 'partition', hosts: some(), durationMs: outageMs() }),
    () => ({
      ...{ at, kind: 'bad-network', hosts: some(), durationMs: lasting(MINUTE_MS, 12 * HOUR_MS) },
      lostRequests: random.pick([0, 0.1, 0.3]),
      lostReplies: random.pick([0, 0.1, 0.3]),
      latencyMs: random.pick([100, 1000, 4000]),
    }),
    () => ({ at, kind: 'watch-break', hosts: some(), compact: random.chance(0.5) }),
    () => ({ at, kind: 'watch-deaf', hosts: some(), durationMs: lasting(1000, 4 * HOUR_MS) }),
    () => ({
      ...{ at, kind: 'restore', downMs: lasting(1000, HOUR_MS), ahead: ahead() },
      ageMs: Math.min(at, lasting(1000, 48 * HOUR_MS)),
    }),
    () => ({ at, kind: 'wipe', downMs: lasting(1000, HOUR_MS), ahead: ahead() }),
    () => ({
      ...{ at, kind: 'power-cut', hosts: some(), downMs: lasting(100, 36 * HOUR_MS) },
      ...{ keepSubnetFile: random.chance(0.5), wipe: random.chance(0.5) },
    }),
    () => junk(random, at, lasting(1000, 48 * HOUR_MS)),
  ];
  return random.pick([...choices, choices.at(-1)!, choices.at(-1)!])();
}

function junk(random: RandomSource, at: number, durationMs: number): Fault {
  const what = random.pick([
    ...(['bad-key', 'bad-value', 'bad-peer-data', 'wide-reservation', 'wide-reservation'] as const),
    ...(['narrow-reservation', 'reservation-for-host', 'other-backend', 'outside-network'] as const),
  ]);
  return { at, kind: 'junk', what, choice: random.integer(0, 1e6), durationMs };
}

function hostFault(
  random: RandomSource,
  { at, host, live }: { readonly at: number; readonly host: number; readonly live: boolean },
): Fault {
  const lasting = (min: number, max: number) => logUniform(random, min, max);
  const downMs = () => (random.chance(0.05) ? Infinity : lasting(100, 36 * HOUR_MS));
  const choices: (() => Fault)[] = [
    () => ({
      ...{ at, kind: 'pause', host, durationMs: lasting(100, 48 * HOUR_MS) },
      how: random.pick(['stopped', 'suspended'] as const),
    }),
    () => ({
      ...{ at, kind: 'crash', host, downMs: downMs() },
      ...{ keepSubnetFile: random.chance(0.7), reboot: random.chance(0.3) },
    }),
    () => ({
      ...{ at, kind: 'readdress', host, live },
      ...{ downMs: lasting(100, MINUTE_MS), family: random.pick([4, 6] as const) },
    }),
    () => ({ at, kind: 'clock-step', host, ms: (random.chance(0.5) ? 1 : -1) * lasting(1000, 48 * HOUR_MS) }),
    () => ({ at, kind: 'delete-lease', host }),
    () => ({
      ...{ at, kind: 'repeated-revision', host, downMs: lasting(1000, HOUR_MS) },
      ageMs: Math.min(at, lasting(1000, 48 * HOUR_MS)),
    }),
    () => ({
      ...{ at, kind: 'overwrite-lease', host, durationMs: lasting(1000, 48 * HOUR_MS) },
      what: random.pick(['garbage', 'another-host', 'same-host'] as const),
    }),
  ];
  return random.pick(choices)();
}

/** Short durations are as likely as long ones. */
function logUniform(random: RandomSource, min: number, max: number): number {
  return min * (max / min) ** random.next();
}
