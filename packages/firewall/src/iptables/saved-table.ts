/** A rule as `iptables-save` prints it. */
export interface SavedRule {
  readonly chain: string;
  /** What follows `-A CHAIN `; `-D CHAIN` before it deletes the rule. */
  readonly text: string;
  /** {@link SavedRule.text} in words, quotes resolved. */
  readonly words: readonly string[];
}

/** One table, as `iptables-save -t TABLE` prints it. */
export interface SavedTable {
  readonly chains: ReadonlySet<string>;
  /** In order within each chain. */
  readonly rules: readonly SavedRule[];
}

/** Reads the output of `iptables-save -t TABLE`. */
export function parseSavedTable(output: string): SavedTable {
  const lines = output.split('\n');
  return {
    chains: new Set(lines.flatMap((line) => /^:(\S+) /.exec(line)?.[1] ?? [])),
    rules: lines.flatMap((line) => {
      const parts = /^-A (\S+) ?(.*)$/.exec(line);
      return parts ? [{ chain: parts[1]!, text: parts[2]!, words: splitWords(parts[2]!) }] : [];
    }),
  };
}

/** Where the rule leads: the chain or target after `-j` or `-g`. */
export function ruleTarget({ words }: SavedRule): string | undefined {
  return wordAfter(words, '-j') ?? wordAfter(words, '-g');
}

export function ruleComment({ words }: SavedRule): string | undefined {
  return wordAfter(words, '--comment');
}

/** Options never stand where values do, except inside comments, which are one word and begin after `--comment`. */
function wordAfter(words: readonly string[], option: string): string | undefined {
  const index = words.findIndex((word, at) => word === option && words[at - 1] !== '--comment');
  return index < 0 ? undefined : words[index + 1];
}

/** Words between blanks; one with blanks stands in double quotes, where a backslash escapes the next character. */
function splitWords(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll(/\\(.)/g, '$1') ?? plain!,
  );
}
