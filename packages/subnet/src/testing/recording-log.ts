import type { Logger } from '../logger.ts';

/** A logger that keeps what it is told, for tests. */
export interface RecordingLog extends Logger {
  readonly entries: readonly {
    readonly level: keyof Logger;
    readonly facts: object;
    readonly message: string;
  }[];
}

export function createRecordingLog(): RecordingLog {
  const entries: { level: keyof Logger; facts: object; message: string }[] = [];
  const record = (level: keyof Logger) => (facts: object, message: string) =>
    void entries.push({ level, facts, message });
  return {
    entries,
    debug: record('debug'),
    info: record('info'),
    warn: record('warn'),
    error: record('error'),
  };
}
