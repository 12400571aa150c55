/** What a message shows of a text that another host wrote, in UTF-16 units. */
const LONGEST = 300;

/** Returns the beginning of a text: what is stored in a cluster may be a megabyte, and is logged by every host. */
export function excerpt(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
