// The command mk-docker-opts: its arguments, files, environment and exit codes.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { CombinedKeyError, writeDockerOptions } from './docker-options.ts';
import { hasGatewayRoute } from './route-table.ts';
import { readSubnetEnv } from './subnet-env.ts';

/** What the command reads and writes besides its files. */
export interface CommandContext {
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
  /** The kernel's IPv4 routes (proc(5), /proc/net/route). @default '/proc/net/route' */
  readonly routeFile?: string;
}

const USAGE = `mk-docker-opts [-f FLANNEL-ENV-FILE] [-d DOCKER-ENV-FILE] [-i] [-c] [-m] [-k COMBINED-KEY]

Writes Docker daemon options from the subnet that flanneld leased. Without -i and -c, both forms are written.

  -f  flannel env file            (/run/flannel/subnet.env)
  -d  Docker env file to write    (/run/docker_opts.env)
  -i  each option as its own variable, such as DOCKER_OPT_MTU
  -c  all options in one variable
  -k  name of that variable       (DOCKER_OPTS)
  -m  leave --ip-masq out
  -h  show this help
`;

/** Runs the command. @returns its exit code: 1 for wrong arguments, and for a subnet that cannot be used. */
export async function mkDockerOpts(context: CommandContext): Promise<number> {
  const fail = (problem: string) => {
    context.complain(`mk-docker-opts: ${problem}\n`);
    return 1;
  };
  try {
    const switches = parseSwitches(context.args);
    if (!switches.h) return await convert(context, switches, fail);
    context.print(USAGE);
    return 0;
  } catch (error) {
    if (error instanceof CombinedKeyError) return fail(`-k ${error.message}`);
    if (error instanceof TypeError && 'code' in error) return fail(`${error.message}; see mk-docker-opts -h`);
    throw error;
  }
}

type Switches = ReturnType<typeof parseSwitches>;

async function convert(
  context: CommandContext,
  switches: Switches,
  fail: (problem: string) => number,
): Promise<number> {
  const { f, d, i, c, k, m } = switches;
  const { env, problems } = await readSubnetEnv(f);
  for (const { line, problem } of problems) fail(`${f}:${line}: ${problem}`);
  if (!m && problems.some(({ variable }) => variable === 'FLANNEL_IPMASQ')) return 1;
  await writeDockerOptions(d, env, {
    individual: i || !c,
    combined: c || !i,
    combinedKey: k,
    ipMasq: !m,
    existing: context.environment[k],
  });
  if (!env.subnet) return 0;
  const { prefix } = env.subnet;
  const routes = await readFile(context.routeFile ?? '/proc/net/route', 'utf8');
  if (!hasGatewayRoute(routes, prefix)) return 0;
  return fail(
    `the routing table has a route to ${prefix.toString()} through a gateway; Docker would refuse the subnet`,
  );
}

/** Switches as getopts takes them: grouped (`-ic`), with their value attached (`-kKEY`), the last one wins. */
function parseSwitches(args: readonly string[]) {
  const flag = (short: string) => ({ type: 'boolean', short, default: false }) as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      f: { type: 'string', short: 'f', default: '/run/flannel/subnet.env' },
      d: { type: 'string', short: 'd', default: '/run/docker_opts.env' },
      k: { type: 'string', short: 'k', default: 'DOCKER_OPTS' },
      ...{ i: flag('i'), c: flag('c'), m: flag('m'), h: flag('h') },
    },
  });
  return values;
}
