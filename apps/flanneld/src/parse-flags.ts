import yargs from 'yargs';
import type { FlagTable, Values } from './flag.ts';
import { defaultOf, parseSwitch, parseValue, UsageError } from './flag-value.ts';
import { retiredFlags } from './flags.ts';
import { closest } from './suggestion.ts';

/** How a command is called and what it does, for its help. */
export interface CommandHelp {
  readonly usage: string;
  readonly epilogue: string;
}

export type ParsedFlags<Table extends FlagTable> =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  | { readonly kind: 'values'; readonly values: Values<Table> };

/**
 * Reads flags in every spelling of Go's flag package (`-x v`, `-x=v`, `--x v`, `--x=v`; a switch takes its
 * value only after `=`) and the environment (`FLANNELD_X`, then the flag's alias).
 * @throws {UsageError}
 */
export async function parseFlags<Table extends FlagTable>(
  table: Table,
  help: CommandHelp,
  { args, environment }: { readonly args: readonly string[]; readonly environment: NodeJS.ProcessEnv },
): Promise<ParsedFlags<Table>> {
  const parser = createParser(table, help);
  const given = await parser.parseAsync(args.map((argument) => withPlainSwitch(table, argument)));
  if (given['help'] || given['h']) return { kind: 'help', text: await parser.getHelp() };
  if (given['version']) return { kind: 'version' };
  rejectUnknown(table, given);
  const values = Object.entries(table).map(([name, flag]) => {
    const fromCommandLine = given[name] as string | boolean | string[] | undefined;
    const variable = [variableName(name), flag.alias].find(
      (candidate) => candidate && environment[candidate],
    );
    const text = fromCommandLine ?? (variable && environment[variable]);
    if (text === undefined) return [name, defaultOf(flag)];
    const source = fromCommandLine === undefined ? variable! : `-${name}`;
    return [name, parseValue(flag, [text].flat().map(String), source)];
  });
  return { kind: 'values', values: Object.fromEntries(values) as Values<Table> };
}

function createParser(table: FlagTable, { usage, epilogue }: CommandHelp) {
  const parser = yargs()
    .scriptName('flanneld')
    .usage(usage)
    .epilogue(epilogue)
    .parserConfiguration({
      'short-option-groups': false,
      'camel-case-expansion': false,
      'boolean-negation': false,
      'dot-notation': false,
      'parse-numbers': false,
      'greedy-arrays': false,
    })
    .wrap(100)
    .exitProcess(false)
    .fail((message, error) => {
      throw (error as Error | undefined) ?? new UsageError(message);
    })
    .help(false)
    .version(false);
  for (const [name, flag] of Object.entries(table)) {
    parser.option(name, {
      ...(flag.kind === 'switch'
        ? { boolean: true }
        : flag.kind === 'repeatable'
          ? { array: true, string: true, requiresArg: true }
          : { string: true, requiresArg: true }),
      group: flag.group,
      describe: flag.missing ? `${flag.describe} (not supported yet)` : flag.describe,
      ...('default' in flag && { defaultDescription: String(flag.default) || 'none' }),
    });
  }
  return parser
    .option('help', { alias: 'h', boolean: true, describe: 'show this help', group: 'Other:' })
    .option('version', { boolean: true, describe: 'show the version', group: 'Other:' });
}

/**
 * Rewrites `-switch` and `-switch=T` to `--switch=true`: Go knows more words for true and false than the
 * parser, and never takes a switch's value from the next argument.
 */
function withPlainSwitch(table: FlagTable, argument: string): string {
  const [, name, text] = /^--?([^=]+)(?:=(.*))?$/.exec(argument) ?? [];
  if (!name || table[name]?.kind !== 'switch') return argument;
  return `--${name}=${parseSwitch(text ?? 'true', `-${name}`)}`;
}

function rejectUnknown(table: FlagTable, given: Record<string, unknown> & { _: (string | number)[] }): void {
  const [stray] = given._;
  if (stray !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(String(stray))}`);
  for (const name of Object.keys(given)) {
    if (['_', '$0', 'help', 'h', 'version'].includes(name) || Object.hasOwn(table, name)) continue;
    if (retiredFlags.includes(name)) {
      throw new UsageError(
        `-${name} went with flannel 0.8: run one flanneld for each network, with its own -etcd-prefix`,
      );
    }
    const suggestion = closest(name, Object.keys(table));
    throw new UsageError(`unknown flag -${name}${suggestion ? `; did you mean -${suggestion}?` : ''}`);
  }
}

function variableName(flag: string): string {
  return `FLANNELD_${flag.toUpperCase().replaceAll('-', '_')}`;
}
