/** A rule as `iptables-save` prints it. */
export interface SavedRule {
  readonly chain: string;
  /** What follows `-A CHAIN `; `-D CHAIN` before it deletes the rule. */
  readonly text: string;
  /** {@link SavedRule.text} in words, quotes resolved. */
  readonly words: readonly string[];
}

/** One table, as `iptables-save` prints it. */
export interface SavedTable {
  /** Policies of the chains, `-` for those that are not built in. */
  readonly chains: ReadonlyMap<string, string>;
  /** In order within each chain. */
  readonly rules: readonly SavedRule[];
}

/** Reads the output of `iptables-save`: tables by name. A table that is not printed has no rules. */
export function parseSavedTables(output: string): (table: string) => SavedTable {
  const texts = new Map(
    output.split(/^\*/m).map((text): [string, string] => [/^\w+/.exec(text)?.[0] ?? '', text]),
  );
  return (table) => parseSavedTable(texts.get(table) ?? '');
}

/** Reads one table of the output of `iptables-save`. */
export function parseSavedTable(output: string): SavedTable {
  const lines = output.split('\n');
  return {
    chains: new Map(
      lines.flatMap((line) => {
        const parts = /^:(\S+) (\S+)/.exec(line);
        return parts ? [[parts[1]!, parts[2]!]] : [];
      }),
    ),
    rules: lines.flatMap((line) => {
      const parts = /^-A (\S+) ?(.*)$/.exec(line);
      return parts ? [{ chain: parts[1]!, text: parts[2]!, words: splitWords(parts[2]!) }] : [];
    }),
  };
}

/** Where the rule leads: the chain or target after `-j` or `-g`. */
export function ruleTarget({ words }: SavedRule): string | undefined {
  return valuesOf(words, '-j')[0] ?? valuesOf(words, '-g')[0];
}

export function ruleComment({ words }: SavedRule): string | undefined {
  return valuesOf(words, '--comment')[0];
}

/** Source addresses, whether negated or not. */
export function ruleSources({ words }: SavedRule): string[] {
  return valuesOf(words, '-s');
}

/** Destination addresses, whether negated or not. */
export function ruleDestinations({ words }: SavedRule): string[] {
  return valuesOf(words, '-d');
}

/** The interfaces by which packets leave, whether negated or not. */
export function ruleOutputs({ words }: SavedRule): string[] {
  return valuesOf(words, '-o');
}

/** Options never stand where values do, except inside comments, which are one word and begin after `--comment`. */
function valuesOf(words: readonly string[], option: string): string[] {
  return words.flatMap((word, at) =>
    word === option && words[at - 1] !== '--comment' ? (words[at + 1] ?? []) : [],
  );
}

/** Words between blanks; one with blanks stands in double quotes, where a backslash escapes the next character. */
function splitWords(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll(/\\(.)/g, '$1') ?? plain!,
  );
}
