import { excerpt } from './excerpt.ts';
import type { Json } from './lease.ts';

/** A parsed JSON value that is not what its reader expects; the message names the field. */
export class JsonError extends Error {
  /** The field that is wrong, or '' for the whole text. */
  readonly field: string;

  constructor(field: string, problem: string, options?: ErrorOptions) {
    super(field ? `${field} ${problem}` : problem, options);
    this.name = 'JsonError';
    this.field = field;
  }
}

/** A JSON object whose keys are found as Go's encoding/json finds them: in any case, the last one wins. */
export class JsonObject {
  readonly #fields = new Map<string, Json>();

  /** @throws {JsonError} when `value` is no object. */
  constructor(value: unknown, field = '') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new JsonError(field, `must be a JSON object, not ${excerpt(value)}`);
    }
    for (const [key, item] of Object.entries(value)) this.#fields.set(key.toLowerCase(), item as Json);
  }

  /** @throws {JsonError} when `text` is no JSON object. */
  static parse(text: string): JsonObject {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new JsonError('', `not valid JSON (${(cause as SyntaxError).message})`, { cause });
    }
    return new JsonObject(value);
  }

  /** The value as it is; `undefined` when it is missing or null. */
  get(field: string): Exclude<Json, null> | undefined {
    return this.#fields.get(field.toLowerCase()) ?? undefined;
  }

  /** @throws {JsonError} when the field is there and no string. */
  string(field: string): string | undefined {
    const value = this.get(field);
    if (value === undefined || typeof value === 'string') return value;
    throw new JsonError(field, `must be a string, not ${excerpt(value)}`);
  }

  /** @throws {JsonError} when the field is there and neither true nor false. */
  boolean(field: string): boolean | undefined {
    const value = this.get(field);
    if (value === undefined || typeof value === 'boolean') return value;
    throw new JsonError(field, `must be true or false, not ${excerpt(value)}`);
  }

  /** @throws {JsonError} when the field is there and no whole number from `min` to `max`. */
  integer(field: string, min: number, max: number): number | undefined {
    const value = this.get(field);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new JsonError(field, `must be a whole number from ${min} to ${max}, not ${excerpt(value)}`);
  }
}
