const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** Length of a MAC address in bytes. */
export const MAC_BYTES = 6;

/** The 6 bytes of `aa:bb:cc:dd:ee:ff`. @throws {RangeError} for any other text. */
export function parseMac(text: string): Uint8Array {
  if (!MAC.test(text)) {
    throw new RangeError(`${JSON.stringify(text)} is not a MAC address (want for example 0a:58:0a:05:01:00)`);
  }
  return Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16));
}

/** The text of the MAC address at an index of a buffer: `aa:bb:cc:dd:ee:ff`. */
export function formatMac(bytes: Uint8Array, at = 0): string {
  return Array.from(bytes.subarray(at, at + MAC_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join(
    ':',
  );
}
