import { tryParseAddress, type Address } from '@flannel-ts/ip';
import yargs from 'yargs';
import { flags, retiredFlags, type Flag } from './flags.ts';
import { closest } from './suggestion.ts';

type FlagName = keyof typeof flags;
type ValueOf<F> = F extends { kind: 'switch' }
  ? boolean
  : F extends { kind: 'integer' }
    ? number
    : F extends { kind: 'address' }
      ? Address | undefined
      : F extends { kind: 'comma-list' | 'repeatable' }
        ? readonly string[]
        : string;

/** The value of every flag, by flag name. */
export type Settings = { readonly [Name in FlagName]: ValueOf<(typeof flags)[Name]> };

/** A command line or environment that makes no sense; the message names the flag and the fix. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** What the command line asks for. */
export type Request =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  | { readonly kind: 'run'; readonly settings: Settings };

const table: Readonly<Record<string, Flag>> = flags;
const TRUE = ['1', 't', 'T', 'true', 'TRUE', 'True'];
const FALSE = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

/**
 * Reads the command line in every spelling of Go's flag package (`-x v`, `-x=v`, `--x v`, `--x=v`; a
 * switch takes its value only after `=`) and the environment (`FLANNELD_X`).
 * @throws {UsageError}
 */
export async function readSettings(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<Request> {
  const parser = createParser();
  const given = await parser.parseAsync(args.map(withPlainSwitch));
  if (given['help'] || given['h']) return { kind: 'help', text: await parser.getHelp() };
  if (given['version']) return { kind: 'version' };
  rejectUnknown(given);
  const settings = Object.entries(table).map(([name, flag]) => {
    const variable = variableName(name);
    const fromCommandLine = given[name] as string | boolean | string[] | undefined;
    const text = fromCommandLine ?? (environment[variable] === '' ? undefined : environment[variable]);
    const source = fromCommandLine === undefined ? variable : `-${name}`;
    return [name, text === undefined ? defaultOf(flag) : parseValue(flag, [text].flat().map(String), source)];
  });
  return { kind: 'run', settings: Object.fromEntries(settings) as Settings };
}

function createParser() {
  const parser = yargs()
    .scriptName('flanneld')
    .usage('flanneld [flags]\n\nTakes a subnet lease and keeps this host on the cluster’s overlay network.')
    .epilogue('Every flag is also read from the environment: -etcd-endpoints from FLANNELD_ETCD_ENDPOINTS.')
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
function withPlainSwitch(argument: string): string {
  const [, name, text] = /^--?([^=]+)(?:=(.*))?$/.exec(argument) ?? [];
  if (!name || table[name]?.kind !== 'switch') return argument;
  return `--${name}=${parseSwitch(text ?? 'true', `-${name}`)}`;
}

function rejectUnknown(given: Record<string, unknown> & { _: (string | number)[] }): void {
  const [stray] = given._;
  if (stray !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(String(stray))}`);
  for (const name of Object.keys(given)) {
    if (name === '_' || name === '$0' || name === 'help' || name === 'h' || name === 'version') continue;
    if (retiredFlags.includes(name)) {
      throw new UsageError(
        `-${name} went with flannel 0.8: run one flanneld for each network, with its own -etcd-prefix`,
      );
    }
    if (name in table) continue;
    const suggestion = closest(name, Object.keys(table));
    throw new UsageError(`unknown flag -${name}${suggestion ? `; did you mean -${suggestion}?` : ''}`);
  }
}

function defaultOf(flag: Flag): unknown {
  if (flag.kind === 'comma-list') return flag.default.split(',');
  if (flag.kind === 'repeatable') return [];
  return 'default' in flag ? flag.default : undefined;
}

function parseValue(flag: Flag, texts: readonly string[], source: string): unknown {
  const text = texts.at(-1)!;
  const value = parseText(flag, texts, text, source);
  if (flag.missing && value !== defaultOf(flag)) {
    throw new UsageError(`${source} cannot be used: ${flag.missing} not supported yet`);
  }
  return value;
}

function parseText(flag: Flag, texts: readonly string[], text: string, source: string): unknown {
  switch (flag.kind) {
    case 'text':
      return text;
    case 'switch':
      return parseSwitch(text, source);
    case 'repeatable':
      return texts;
    case 'comma-list': {
      const items = text.split(',').map((item) => item.trim());
      if (items.includes('')) throw new UsageError(`${source} has an empty item in ${JSON.stringify(text)}`);
      return items;
    }
    case 'integer': {
      const number = /^\d+$/.test(text) ? Number(text) : NaN;
      if (number >= flag.min && number <= flag.max) return number;
      throw new UsageError(
        `${source} must be a whole number from ${flag.min} to ${flag.max}, not ${JSON.stringify(text)}`,
      );
    }
    case 'address': {
      if (text === '') return undefined;
      const address = tryParseAddress(text);
      if (address && (flag.family ?? address.family) === address.family) return address;
      throw new UsageError(
        `${source} must be an IPv${flag.family ?? '4 or IPv6'} address, not ${JSON.stringify(text)}`,
      );
    }
  }
}

function parseSwitch(text: string, source: string): boolean {
  if (TRUE.includes(text)) return true;
  if (FALSE.includes(text)) return false;
  throw new UsageError(`${source} must be true or false, not ${JSON.stringify(text)}`);
}

function variableName(flag: string): string {
  return `FLANNELD_${flag.toUpperCase().replaceAll('-', '_')}`;
}
