import { detachProgram, type Direction } from '@flannel-ts/bpf';
import type { SystemError } from '@flannel-ts/native';
import { readDecapsulationNote, removeDecapsulationLink } from './decapsulation-link.ts';
import { parseNote, type FastPathNote } from './fast-path-note.ts';

/** Name of the decapsulating device. */
export function linkName(tun: string): string {
  return `${tun}-rx`;
}

/** Reads the note of the fast path in this thread's network namespace; there may be none. */
export function readNote(tun: string): FastPathNote | undefined {
  return parseNote(readDecapsulationNote(linkName(tun)));
}

/**
 * Removes the fast path that a process has left in this thread's network namespace, if there is one.
 * @param tun - name of the TUN device, which may be gone
 * @throws {NetlinkError} {@link SystemError}
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
  // Its program goes with it. It comes last since it has the note.
  removeDecapsulationLink(linkName(tun));
}

/** An interface that is gone has taken its programs along. */
function detachAll(index: number, direction: Direction, ids: readonly number[]): void {
  try {
    for (const id of ids) detachProgram(index, direction, id);
  } catch (error) {
    if ((error as SystemError).code !== 'ENODEV') throw error;
  }
}
