import { createRecordingLog, type RecordingLog } from '@flannel-ts/subnet/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { createLeaseReader, type LeaseEntry, type LeaseReader } from '../src/lease-reader.ts';

const junk = (name: string, revision = '1', value = 'junk'): LeaseEntry => ({
  name,
  value,
  revision,
  expiresAt: undefined,
});
const many = Array.from({ length: 20_000 }, (_, index) => junk(`junk${index}`, '1', 'x'.repeat(1_000)));

let log: RecordingLog;
let reader: LeaseReader;
beforeEach(() => {
  log = createRecordingLog();
  reader = createLeaseReader(log);
});

describe('unreadable entries', () => {
  it('of one listing are one line that names the first of them, with an excerpt, and counts all', () => {
    reader.readAll(many);
    expect(log.entries).toHaveLength(1);
    expect(log.entries[0]).toMatchObject({ level: 'warn', facts: { count: 20_000 } });
    const text = JSON.stringify(log.entries);
    expect(text).toContain('junk0');
    expect(text).toContain('junk4');
    expect(text.length).toBeLessThan(2_000);
  });

  it('are reported again only when they are written again', () => {
    reader.readAll(many);
    reader.readAll(many);
    expect(log.entries).toHaveLength(1);
    reader.readAll([...many, junk('new'), junk('junk1', '2')]);
    expect(log.entries[1]).toMatchObject({ facts: { count: 2 } });
    reader.read(junk('new'));
    expect(log.entries).toHaveLength(2);
  });

  it('are forgotten when they are gone, so that the same ones are news again', () => {
    reader.readAll([junk('a'), junk('b')]);
    reader.readAll([junk('a')]);
    reader.removed('a');
    reader.readAll([junk('a'), junk('b')]);
    expect(log.entries[1]).toMatchObject({ facts: { count: 2 } });
  });
});
