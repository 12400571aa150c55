import type { SavedRule } from './saved-table.ts';

/**
 * Returns the lines for `iptables-restore --noflush` that turn our rules of a chain into the desired ones, rule by
 * rule: those of others stay where they are.
 *
 * Rules are deleted by their text, never by their number, since the chain may have changed after it was read: the
 * transaction then fails and is tried again, and no rule of others is lost. Of a rule that is there several times,
 * every copy goes, since a deletion takes the first one, wherever that is; so two daemons that find a common rule
 * twice do not delete one copy each.
 * @param all - the rules of the chain, in order
 * @param own - those of them that are ours
 */
export function orderRules(
  chain: string,
  desired: readonly string[],
  all: readonly SavedRule[],
  own: readonly SavedRule[],
): string[] {
  const kept = inOrder(desired, own);
  const surplus = new Set(own.filter(({ text }) => !kept.has(text)));
  const texts = all.filter((rule) => !surplus.has(rule)).map(({ text }) => text);
  const inserted = desired.flatMap((text, at) => {
    if (kept.has(text)) return [];
    // The first goes to the front, where one that is common precedes the rules of every daemon.
    const place = at === 0 ? 0 : texts.indexOf(desired[at - 1]!) + 1;
    texts.splice(place, 0, text);
    const isLast = place === texts.length - 1;
    return [isLast ? `-A ${chain} ${text}` : `-I ${chain} ${place + 1} ${text}`];
  });
  return [...[...surplus].map(({ text }) => `-D ${chain} ${text}`), ...inserted];
}

/** Returns rules that may stay: they are there once, and in the desired order. */
function inOrder(desired: readonly string[], own: readonly SavedRule[]): ReadonlySet<string> {
  const places = new Map(desired.map((text, at) => [text, at]));
  const copies = Map.groupBy(own, ({ text }) => text);
  const kept = new Set<string>();
  let last = -1;
  for (const { text } of own) {
    const place = places.get(text) ?? -1;
    if (place <= last || copies.get(text)!.length > 1) continue;
    kept.add(text);
    last = place;
  }
  return kept;
}
