// What to write instead of a text that is no address. Only for messages: nothing here decides what is accepted.

/** No address has more characters: eight groups of four, or six and a dotted quad. */
const LONGEST_ADDRESS = 45;

/**
 * Advice about a text that is no address.
 * @param suffix - what stands behind the address in the whole text, such as `/8`
 */
export function addressAdvice(text: string, suffix = ''): string {
  if (text.length > LONGEST_ADDRESS) return 'it is too long';
  if (/\s/.test(text)) return 'remove the white space';
  if (text.includes('%')) return `leave out the zone: ${text.slice(0, text.indexOf('%'))}${suffix}`;
  if (/^\d+(\.\d+)*$/.test(text)) return dottedQuadAdvice(text.split('.'), suffix);
  return `want for example ${suffix ? '10.5.0.0/16 or fc00::/48' : '10.5.1.0 or fc00::1'}`;
}

function dottedQuadAdvice(parts: readonly string[], suffix: string): string {
  if (parts.length > 4 || parts.some((part) => Number(part) > 255)) return 'want four parts from 0 to 255';
  if (parts.some((part) => /^0\d/.test(part))) {
    return `leading zeros are octal to some; write ${parts.map(Number).join('.')}${suffix}`;
  }
  return `write all four parts, such as ${[...parts, 0, 0, 0].slice(0, 4).join('.')}${suffix}`;
}
