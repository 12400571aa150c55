/** The longest excerpt, in characters. */
const LONGEST = 100;

/**
 * Returns a value as JSON for a message, cut to 100 characters. It never throws, whatever another host has
 * written: `JSON.stringify` alone overflows the stack for a value that is nested 10,000 deep.
 */
export function excerpt(value: unknown): string {
  const text = toJson(typeof value === 'string' ? value.slice(0, LONGEST) : value);
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`;
}

function toJson(value: unknown): string {
  try {
    const json = JSON.stringify(value) as string | undefined;
    return json ?? typeof value;
  } catch {
    return Array.isArray(value) ? 'an array that JSON cannot show' : `a value of type ${typeof value}`;
  }
}
