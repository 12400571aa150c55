import { expect, it } from 'vitest';
import { formatNote, isSamePlace, parseNote } from '../src/fast-path/fast-path-note.ts';
import { endpoint } from './support/overlay.ts';

const note = {
  local: endpoint('192.168.100.200', 65_535),
  ...{ underlayIndex: 2_147_483_647, tunIndex: 2_147_483_646, decapsulationPort: 48_300 },
  mark: { index: 65_535, vni: 16_777_215 },
  programs: [1, 2, 3, 4, 5, 6].map((last) => 2_147_483_640 + last),
};

it('fits the alias of a device, and is read as it was written', () => {
  const text = formatNote(note);
  expect(text.length).toBeLessThan(256);
  expect(parseNote(text)).toEqual(note);
});

it.each(['', 'uplink', 'flannel fast path 1: local', formatNote(note).replace('path 1:', 'path 2:')])(
  'does not read %j',
  (alias) => {
    expect(parseNote(alias)).toBeUndefined();
  },
);

it('is for the same place when address, port and both interfaces are the same', () => {
  expect(isSamePlace(note, { ...note })).toBe(true);
  expect(isSamePlace(note, { ...note, local: endpoint('192.168.100.201', 65_535) })).toBe(false);
  expect(isSamePlace(note, { ...note, local: endpoint('192.168.100.200', 1) })).toBe(false);
  expect(isSamePlace(note, { ...note, underlayIndex: 1 })).toBe(false);
  expect(isSamePlace(note, { ...note, tunIndex: 1 })).toBe(false);
});
