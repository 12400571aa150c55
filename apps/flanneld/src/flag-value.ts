import { tryParseAddress } from '@flannel-ts/ip';
import { parseDuration } from './duration.ts';
import type { Flag } from './flag.ts';

/** A command line or environment that makes no sense; the message names the flag and the fix. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

const TRUE = ['1', 't', 'T', 'true', 'TRUE', 'True'];
const FALSE = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

/** The value of a flag that is not given. */
export function defaultOf(flag: Flag): unknown {
  if (flag.kind === 'comma-list') return flag.default.split(',');
  if (flag.kind === 'repeatable') return [];
  if (flag.kind === 'duration') return parseDuration(flag.default);
  return 'default' in flag ? flag.default : undefined;
}

/**
 * The value of a flag that is given: the last text counts, unless the flag is repeatable.
 * @param source - how the user knows it: `-iface` or `FLANNELD_IFACE`
 * @throws {UsageError}
 */
export function parseValue(flag: Flag, texts: readonly string[], source: string): unknown {
  const value = parseTexts(flag, texts, source);
  if (flag.missing && value !== defaultOf(flag)) {
    throw new UsageError(`${source} cannot be used: ${flag.missing} not supported yet`);
  }
  return value;
}

function parseTexts(flag: Flag, texts: readonly string[], source: string): unknown {
  const text = texts.at(-1)!;
  const want = (form: string) => new UsageError(`${source} must be ${form}, not ${JSON.stringify(text)}`);
  switch (flag.kind) {
    case 'text':
      if (!flag.form || flag.form.pattern.test(text)) return text;
      throw want(flag.form.name);
    case 'choice':
      if (flag.choices.includes(text)) return text;
      throw want(`one of ${flag.choices.join(', ')}`);
    case 'switch':
      return parseSwitch(text, source);
    case 'repeatable':
      return texts;
    case 'comma-list': {
      const items = text.split(',').map((item) => item.trim());
      if (items.includes('')) throw new UsageError(`${source} has an empty item in ${JSON.stringify(text)}`);
      return items;
    }
    case 'integer': {
      const number = /^\d+$/.test(text) ? Number(text) : NaN;
      if (number >= flag.min && number <= flag.max) return number;
      throw want(`a whole number from ${flag.min} to ${flag.max}`);
    }
    case 'duration': {
      const ms = parseDuration(text);
      const [min, max] = [parseDuration(flag.min)!, parseDuration(flag.max)!];
      if (ms !== undefined && ms >= min && ms <= max) return ms;
      throw want(`a duration such as ${flag.default}, from ${flag.min} to ${flag.max}`);
    }
    case 'address': {
      if (text === '') return undefined;
      const address = tryParseAddress(text);
      if (address && (flag.family ?? address.family) === address.family) return address;
      throw want(`an IPv${flag.family ?? '4 or IPv6'} address`);
    }
  }
}

/** True or false in any of Go's words. @throws {UsageError} */
export function parseSwitch(text: string, source: string): boolean {
  if (TRUE.includes(text)) return true;
  if (FALSE.includes(text)) return false;
  throw new UsageError(`${source} must be true or false, not ${JSON.stringify(text)}`);
}
