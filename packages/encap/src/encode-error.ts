import type { Layer } from './malformed.ts';

/** A header that cannot be written: a field has no room for its value, or the buffer none for the header. */
export class EncodeError extends RangeError {
  readonly layer: Layer;
  /** Name of the field, or `buffer`. */
  readonly field: string;

  constructor(layer: Layer, field: string, problem: string) {
    super(`${layer}: ${field} ${problem}`);
    this.name = 'EncodeError';
    this.layer = layer;
    this.field = field;
  }
}

/** @throws {EncodeError} unless `size` bytes fit at `at`. */
export function requireRoom(layer: Layer, bytes: Uint8Array, at: number, size: number): void {
  if (Number.isInteger(at) && at >= 0 && at + size <= bytes.length) return;
  throw new EncodeError(layer, 'buffer', `has ${bytes.length} bytes, want ${size} at offset ${at}`);
}

/** @throws {EncodeError} unless `value` is an integer from 0 to `max`. */
export function requireInteger(layer: Layer, field: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  throw new EncodeError(layer, field, `must be an integer from 0 to ${max}, not ${value}`);
}

/** @throws {EncodeError} unless `value` has `length` bytes. */
export function requireBytes(layer: Layer, field: string, value: Uint8Array, length: number): void {
  if (value.length === length) return;
  throw new EncodeError(layer, field, `must have ${length} bytes, not ${value.length}`);
}
