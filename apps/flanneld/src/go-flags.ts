import { UsageError } from './flag-value.ts';

/** A command line, split. */
export interface CommandLine {
  /** The texts of every flag that is given, by its name without dashes, in their order. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  /** What follows the flags. */
  readonly rest: readonly string[];
}

/**
 * Splits arguments as Go's flag package does (https://pkg.go.dev/flag, command line flag syntax): `-x v`,
 * `-x=v`, `--x v` and `--x=v`. A flag takes its value from the next argument whatever that looks like; a
 * switch takes one after `=` only. The first argument that is no flag, a lone `-`, or `--` ends the flags.
 *
 * @param isSwitch - whether a flag is a switch; throws for an unknown one
 * @throws {UsageError}
 */
export function splitArguments(args: readonly string[], isSwitch: (name: string) => boolean): CommandLine {
  const texts = new Map<string, string[]>();
  let next = 0;
  while (next < args.length && /^-./s.test(args[next]!)) {
    const argument = args[next++]!;
    if (argument === '--') break;
    const [, name, attached] = /^--?(\w[\w-]*)(?:=(.*))?$/s.exec(argument) ?? [];
    if (name === undefined) throw new UsageError(`${JSON.stringify(argument)} is not a flag`);
    const unattached = isSwitch(name) ? 'true' : undefined;
    const text = attached ?? unattached ?? args[next++];
    if (text === undefined) throw new UsageError(`-${name} must have a value, such as -${name}=VALUE`);
    texts.set(name, [...(texts.get(name) ?? []), text]);
  }
  return { texts, rest: args.slice(next) };
}
