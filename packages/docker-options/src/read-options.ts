/** Arguments that make no sense. */
export class OptionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'OptionError';
  }
}

/**
 * Reads options as a shell's getopts does (POSIX.1-2017, getopts): grouped (`-ic`), with their value attached
 * (`-kKEY`) or in the next argument, whatever that looks like. The first operand or `--` ends them.
 *
 * @param letters - those of options with a value, and those without
 * @returns the last value of each option that is given; an option without a value has an empty one
 * @throws {OptionError}
 */
export function readOptions(
  args: readonly string[],
  letters: { readonly withValue: string; readonly plain: string },
): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  let next = 0;
  while (next < args.length && /^-./s.test(args[next]!)) {
    let group = args[next++]!.slice(1);
    if (group === '-') break;
    while (group !== '') {
      const letter = group[0]!;
      group = group.slice(1);
      if (letters.plain.includes(letter)) {
        options.set(letter, '');
      } else if (letters.withValue.includes(letter)) {
        const value = group || args[next++];
        if (value === undefined) throw new OptionError(`-${letter} must have a value`);
        options.set(letter, value);
        group = '';
      } else {
        throw new OptionError(`unknown option -${letter}`);
      }
    }
  }
  return options;
}
