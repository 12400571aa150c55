import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

export const USAGE = `npm run simulate -- [OPTION]…

  --seeds N     how many seeds to run                       (default 100)
  --from S      the first of them                           (default 1)
  --minutes M   stop after so many minutes                  (default: after all seeds)
  --jobs N      seeds that run at once                      (default: one for each core)
  --days N      virtual days of each                        (default 10)
  --daemons N   daemons of each cluster                     (default 10)
  --dual-stack  leases have an IPv4 and an IPv6 subnet
  --seed S      run one seed, twice, and compare its digests
  --faults A,B  of that seed, only the faults with these numbers; none for no faults
  --help        this text

Ends with 0 if every invariant held, else with 1 and a shortened schedule.`;

export interface Options {
  readonly seeds: number;
  readonly from: number;
  /** Infinity: until all seeds are done. */
  readonly minutes: number;
  /** Threads that run seeds. */
  readonly jobs: number;
  readonly days: number;
  readonly daemons: number;
  readonly dualStack: boolean;
  /** `undefined`: many seeds. */
  readonly seed: number | undefined;
  /** `undefined`: all of them. */
  readonly faults: readonly number[] | undefined;
}

/**
 * Reads the command line; `undefined` when help is asked for.
 * @throws {TypeError} {RangeError} when it makes no sense.
 */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '100' },
      from: { type: 'string', default: '1' },
      minutes: { type: 'string' },
      jobs: { type: 'string', default: `${availableParallelism()}` },
      days: { type: 'string', default: '10' },
      daemons: { type: 'string', default: '10' },
      'dual-stack': { type: 'boolean', default: false },
      seed: { type: 'string' },
      faults: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    seeds: toInteger('--seeds', values.seeds, 1),
    from: toInteger('--from', values.from, 0),
    minutes: values.minutes === undefined ? Infinity : toInteger('--minutes', values.minutes, 1),
    jobs: toInteger('--jobs', values.jobs, 1),
    days: toInteger('--days', values.days, 1),
    daemons: toInteger('--daemons', values.daemons, 1),
    dualStack: values['dual-stack'],
    seed: values.seed === undefined ? undefined : toInteger('--seed', values.seed, 0),
    faults: values.faults === undefined ? undefined : toNumbers(values.faults),
  };
}

function toNumbers(text: string): readonly number[] {
  return text === 'none' ? [] : text.split(',').map((part) => toInteger('--faults', part, 0));
}

function toInteger(name: string, text: string, min: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min) return value;
  throw new RangeError(
    `${name} must be a whole number from ${min} on, not ${JSON.stringify(text)}; see --help`,
  );
}
