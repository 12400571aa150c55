import { gzipSync } from 'node:zlib';
import { MAINTAINER } from './paths.ts';

/** The compressed changelog that Debian policy asks for, with one entry: this version. */
export function renderChangelog(version: string, date: Date): Buffer {
  const entry = [
    `flanneld (${version}) unstable; urgency=medium`,
    '',
    '  * This version; the history of the source has its changes.',
    '',
    ` -- ${MAINTAINER}  ${date.toUTCString().replace('GMT', '+0000')}`,
    '',
  ];
  return compress(entry.join('\n'));
}

/** As `gzip -9n` does: without a name and a time, so that the same text gives the same bytes. */
export function compress(text: string): Buffer {
  return gzipSync(text, { level: 9 });
}
