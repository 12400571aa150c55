// The command mk-docker-opts: its arguments, files, environment and exit codes.
import { readFile } from 'node:fs/promises';
import yargs from 'yargs';
import { formatDockerOptions } from './docker-options.ts';
import { hasGatewayRoute } from './route-table.ts';
import { readSubnetEnv, writeFileAtomically } from './subnet-env.ts';

/** What the command reads and writes besides its files. */
export interface CommandContext {
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
  /** The kernel's IPv4 routes (proc(5), /proc/net/route). @default '/proc/net/route' */
  readonly routeFile?: string;
}

/** Runs the command. @returns its exit code: 2 for wrong arguments, 1 for a subnet that cannot be used. */
export async function mkDockerOpts(context: CommandContext): Promise<number> {
  let failed = '';
  const parser = createParser().fail((message, error) => {
    failed = (error as Error | undefined)?.message ?? message;
  });
  const args = await parser.parseAsync([...context.args]);
  if (args.help) {
    context.print(`${await parser.getHelp()}\n`);
    return 0;
  }
  if (failed !== '') {
    context.complain(`mk-docker-opts: ${failed}; see mk-docker-opts -h\n`);
    return 2;
  }
  const { env, problems } = await readSubnetEnv(args.f);
  for (const { line, problem } of problems)
    context.complain(`mk-docker-opts: ${args.f}:${line}: ${problem}\n`);
  if (problems.some(({ problem }) => problem.startsWith('FLANNEL_IPMASQ'))) return 1;
  const text = formatDockerOptions(env, {
    individual: args.i || !args.c,
    combined: args.c || !args.i,
    combinedKey: args.k,
    ipMasq: !args.m,
    ...(context.environment[args.k] && { existing: context.environment[args.k]! }),
  });
  await writeFileAtomically(args.d, text);
  const routes = await readFile(context.routeFile ?? '/proc/net/route', 'utf8');
  if (!env.subnet || !hasGatewayRoute(routes, env.subnet.prefix)) return 0;
  context.complain(
    `mk-docker-opts: the routing table has a route to ${env.subnet.prefix.toString()} through a gateway; Docker would refuse the subnet\n`,
  );
  return 1;
}

function createParser() {
  return (
    yargs()
      .scriptName('mk-docker-opts')
      // Before the options: it would take away the one named help.
      .help(false)
      .version(false)
      .usage(
        'mk-docker-opts [-f FLANNEL-ENV-FILE] [-d DOCKER-ENV-FILE] [-i] [-c] [-m] [-k COMBINED-KEY]\n\nWrites Docker daemon options from the subnet that flanneld leased.',
      )
      .parserConfiguration({ 'short-option-groups': false, 'boolean-negation': false })
      .option('f', {
        string: true,
        requiresArg: true,
        default: '/run/flannel/subnet.env',
        describe: 'flannel env file',
      })
      .option('d', {
        string: true,
        requiresArg: true,
        default: '/run/docker_opts.env',
        describe: 'Docker env file to write',
      })
      .option('i', { boolean: true, default: false, describe: 'each option as its own variable' })
      .option('c', { boolean: true, default: false, describe: 'all options in one variable' })
      .option('k', {
        string: true,
        requiresArg: true,
        default: 'DOCKER_OPTS',
        describe: 'name of that variable',
      })
      .option('m', { boolean: true, default: false, describe: 'leave --ip-masq out' })
      .option('help', { alias: 'h', boolean: true, default: false, describe: 'show this help' })
      .epilogue('Without -i and -c, both forms are written.')
      .strict()
      .wrap(100)
      .exitProcess(false)
  );
}
