import type { FlagTable } from './flag.ts';
import { flags } from './flags.ts';
import { splitArguments } from './go-flags.ts';
import { isSwitch } from './parse-flags.ts';

/**
 * Puts options of the daemon in front of a command's arguments, so that it finds the same etcd, interface and files:
 * those that the command has, too, and that its arguments do not give.
 * @param options - a command line of the daemon
 * @param table - the command's flags
 * @throws {UsageError}
 */
export function withOptions(
  args: readonly string[],
  options: readonly string[],
  table: FlagTable,
): readonly string[] {
  const given = splitArguments(args, (name) => isSwitch(table, name)).texts;
  const daemon = splitArguments(options, (name) => isSwitch(flags, name)).texts;
  const shared = [...daemon].filter(([name]) => Object.hasOwn(table, name) && !given.has(name));
  return [...shared.flatMap(([name, texts]) => texts.map((text) => `-${name}=${text}`)), ...args];
}
