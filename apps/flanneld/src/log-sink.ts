import { writeSync } from 'node:fs';

/** Milliseconds that a slow reader of the log has, all lines together, until it has read on. */
const PATIENCE_MS = 200;
const PAUSE_MS = 5;

/** Takes the lines of a log. */
export interface LogSink {
  write(line: string): void;
}

/**
 * Writes lines to a file descriptor, at once: the last one before an exit is not lost. What cannot be written is lost
 * and stops nothing, be it that the disk is full or that no one reads the pipe.
 * @param fd - a pipe or socket is non-blocking, as `process.stderr` makes its own
 */
export function createLogSink(fd: number): LogSink {
  const pause = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  let patienceMs = PATIENCE_MS;
  let isCut = false;

  /** Returns how many bytes were written. @throws `EAGAIN` when no one reads */
  function writeSome(bytes: Buffer): number {
    for (;;) {
      try {
        const written = writeSync(fd, bytes);
        patienceMs = PATIENCE_MS;
        return written;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || patienceMs <= 0) throw error;
        patienceMs -= PAUSE_MS;
        Atomics.wait(pause, 0, 0, PAUSE_MS);
      }
    }
  }

  return {
    write(line) {
      let rest = Buffer.from(isCut ? `\n${line}` : line);
      try {
        while (rest.length > 0) {
          rest = rest.subarray(writeSome(rest));
          isCut = rest.length > 0;
        }
      } catch {
        // The log itself is what cannot be written.
      }
    },
  };
}
