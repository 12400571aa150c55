// The command mk-docker-opts: its arguments, files, environment and exit codes.
import { CombinedKeyError, formatDockerOptions } from './docker-options.ts';
import { readFileIfPresent } from './read-file.ts';
import { OptionError, readOptions } from './read-options.ts';
import { hasGatewayRoute } from './route-table.ts';
import type { Variables } from './assignment-reader.ts';
import { parseAssignments } from './shell-assignments.ts';
import { interpretVariables } from './subnet-env.ts';
import { writeOutput } from './write-file.ts';

/** What the command reads and writes besides its files. */
export interface CommandContext {
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
  /** The kernel's IPv4 routes (proc(5), /proc/net/route). @default '/proc/net/route' */
  readonly routeFile?: string;
}

const DEFAULT_INPUT = '/run/flannel/subnet.env';
const DEFAULT_OUTPUT = '/run/docker_opts.env';
/** The variables that become options; FLANNEL_IPMASQ only without -m. */
const USED: readonly string[] = ['FLANNEL_SUBNET', 'FLANNEL_MTU'];
const IPMASQ = 'FLANNEL_IPMASQ';

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

/**
 * Runs the command. @returns its exit code: 1 for help, wrong arguments, values that cannot be used (nothing
 * is written then), and, after writing, for a subnet that Docker would refuse.
 */
export async function mkDockerOpts(context: CommandContext): Promise<number> {
  const fail = (problem: string) => {
    context.complain(`mk-docker-opts: ${problem}\n`);
    return 1;
  };
  try {
    const options = readOptions(context.args, { withValue: 'fdk', plain: 'icmh?' });
    if (!options.has('h') && !options.has('?')) return await convert(context, options, fail);
    context.complain(USAGE);
    return 1;
  } catch (error) {
    if (error instanceof CombinedKeyError) return fail(`-k ${error.message}`);
    if (error instanceof OptionError) return fail(`${error.message}; mk-docker-opts -h shows the options`);
    throw error;
  }
}

async function convert(
  context: CommandContext,
  options: ReadonlyMap<string, string>,
  fail: (problem: string) => number,
): Promise<number> {
  const { variables, problems, lineOf } = await readVariables(options.get('f') ?? DEFAULT_INPUT, context);
  const { env, errors } = interpretVariables((name) => variables[name]);
  const used = errors.filter(
    ({ variable }) => USED.includes(variable) || (variable === IPMASQ && !options.has('m')),
  );
  const all = [...problems, ...used.map(({ variable, problem }) => `${lineOf(variable)}: ${problem}`)];
  all.forEach(fail);
  if (all.length > 0) return 1;
  const text = formatDockerOptions(env, {
    individual: options.has('i') || !options.has('c'),
    combined: options.has('c') || !options.has('i'),
    combinedKey: options.get('k'),
    ipMasq: !options.has('m'),
    variables,
  });
  await write(options.get('d') ?? DEFAULT_OUTPUT, text, context);
  const routes = await readFileIfPresent(context.routeFile ?? '/proc/net/route');
  if (!env.subnet || !routes || !hasGatewayRoute(routes, env.subnet.prefix)) return 0;
  const subnet = env.subnet.prefix.toString();
  return fail(`the routing table has a route to ${subnet} through a gateway; Docker would refuse the subnet`);
}

/** The environment's variables, with those of a file over them. A missing file has none. */
async function readVariables(path: string, { environment }: CommandContext) {
  const { assignments, problems } = parseAssignments((await readFileIfPresent(path)) ?? '', environment);
  const lines = new Map(assignments.map(({ name, line }) => [name, `${path}:${line}`]));
  const variables: Variables = {
    ...environment,
    ...Object.fromEntries(assignments.map(({ name, value }) => [name, value])),
  };
  return {
    variables,
    problems: problems.map(({ line, problem }) => `${path}:${line}: ${problem}`),
    lineOf: (name: string) => lines.get(name) ?? 'environment',
  };
}

/** The process's own streams cannot be opened by their names when they are sockets, as a unit's are. */
async function write(path: string, text: string, { print, complain }: CommandContext): Promise<void> {
  if (path === '/dev/stdout') print(text);
  else if (path === '/dev/stderr') complain(text);
  else await writeOutput(path, text, { waits: true });
}
