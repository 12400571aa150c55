import { detachProgram, type Direction } from '@flannel-ts/bpf';
import type { SystemError } from '@flannel-ts/native';
import { removeDecapsulationLink } from './decapsulation-link.ts';
import { formatNote, parseNote, type FastPathNote } from './fast-path-note.ts';
import { readAlias, writeAlias } from './link-alias.ts';

/** Name of the decapsulating device. */
export function linkName(tun: string): string {
  return `${tun}-rx`;
}

/**
 * Reads the note of the fast path in this thread's network namespace; there may be none. It is at the
 * decapsulating device and at the TUN device, since somebody may have deleted one of them.
 */
export function readNote(tun: string): FastPathNote | undefined {
  return parseNote(readAlias(linkName(tun))) ?? parseNote(readAlias(tun));
}

/** @param note - none: the TUN device stays without one */
export function writeNote(tun: string, note: FastPathNote | undefined): void {
  const text = note ? formatNote(note) : '';
  writeAlias(linkName(tun), text);
  // An alias that somebody else gave it stays.
  const current = readAlias(tun);
  if (current === '' || parseNote(current)) writeAlias(tun, text);
}

/**
 * Removes the fast path that a process has left in this thread's network namespace, if there is one.
 * @param tun - name of the TUN device, which may be gone
 * @throws {NetlinkError} and `SystemError`
 */
export function removeFastPath(tun: string): void {
  removeNoted(tun, readNote(tun));
}

/** @param note - what it consists of; without, there is the device at most */
export function removeNoted(tun: string, note: FastPathNote | undefined): void {
  if (note) {
    detachAll(note.underlayIndex, 'ingress', note.programs);
    detachAll(note.tunIndex, 'egress', note.programs);
  }
  // Its program goes with it. The notes come last.
  removeDecapsulationLink(linkName(tun));
  writeNote(tun, undefined);
}

/** An interface that is gone has taken its programs along. */
function detachAll(index: number, direction: Direction, ids: readonly number[]): void {
  try {
    for (const id of ids) detachProgram(index, direction, id);
  } catch (error) {
    if ((error as SystemError).code !== 'ENODEV') throw error;
  }
}
