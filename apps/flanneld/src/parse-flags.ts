import type { Flag, FlagTable, Values } from './flag.ts';
import { defaultOf, parseSwitch, parseValue, UsageError } from './flag-value.ts';
import { retiredFlags } from './flags.ts';
import { splitArguments, type CommandLine } from './go-flags.ts';
import type { CommandHelp } from './help.ts';
import { ignoredFlags } from './ignored-flags.ts';
import { closest } from './suggestion.ts';

export type ParsedFlags<Table extends FlagTable> =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  | {
      readonly kind: 'values';
      readonly values: Values<Table>;
      /** Flags and variables that are accepted and have no effect, as the user wrote them. */
      readonly ignored: readonly string[];
    };

/** Flags of every command, all of them switches. */
const HELP_FLAGS = ['help', 'h', 'version'];

/**
 * Reads flags from the command line, in every spelling of Go's flag package, then from the environment:
 * `FLANNELD_X`, then the flag's aliases in their order. An empty variable counts as one that is not set.
 * @throws {UsageError}
 */
export async function parseFlags<Table extends FlagTable>(
  table: Table,
  help: CommandHelp,
  { args, environment }: { readonly args: readonly string[]; readonly environment: NodeJS.ProcessEnv },
): Promise<ParsedFlags<Table>> {
  const line = splitArguments(args, (name) => isSwitch(table, name));
  const [helpWanted, hWanted, versionWanted] = HELP_FLAGS.map((name) => isOn(line, name));
  if (helpWanted || hWanted) {
    const { formatHelp } = await import('./help.ts');
    return { kind: 'help', text: await formatHelp(table, help) };
  }
  if (versionWanted) return { kind: 'version' };
  const [stray] = line.rest;
  if (stray !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(stray)}`);
  const values = Object.entries(table).map(([name, flag]) => [name, valueOf(name, flag, line, environment)]);
  return {
    kind: 'values',
    values: Object.fromEntries(values) as Values<Table>,
    ignored: Object.keys(ignoredFlags).flatMap((name) => [
      ...(line.texts.has(name) ? [`-${name}`] : []),
      ...(environment[variableName(name)] ? [variableName(name)] : []),
    ]),
  };
}

function valueOf(name: string, flag: Flag, line: CommandLine, environment: NodeJS.ProcessEnv): unknown {
  const texts = line.texts.get(name);
  if (texts) return parseValue(flag, texts, `-${name}`);
  const variable = [variableName(name), ...(flag.aliases ?? [])].find((candidate) => environment[candidate]);
  return variable ? parseValue(flag, [environment[variable]!], variable) : defaultOf(flag);
}

function isOn({ texts }: CommandLine, name: string): boolean {
  const text = texts.get(name)?.at(-1);
  return text !== undefined && parseSwitch(text, `-${name}`);
}

/** Whether a flag of a command is a switch. @throws {UsageError} for a flag that the command does not have */
export function isSwitch(table: FlagTable, name: string): boolean {
  if (HELP_FLAGS.includes(name)) return true;
  if (Object.hasOwn(table, name)) return table[name]!.kind === 'switch';
  if (Object.hasOwn(ignoredFlags, name)) return ignoredFlags[name] === 'switch';
  if (retiredFlags.includes(name)) {
    throw new UsageError(
      `-${name} went with flannel 0.8: run one flanneld for each network, with its own -etcd-prefix`,
    );
  }
  const suggestion = closest(name, [...Object.keys(table), ...Object.keys(ignoredFlags)]);
  throw new UsageError(`unknown flag -${name}${suggestion ? `; did you mean -${suggestion}?` : ''}`);
}

function variableName(flag: string): string {
  return `FLANNELD_${flag.toUpperCase().replaceAll('-', '_')}`;
}
