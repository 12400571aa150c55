import { pino, type Logger } from 'pino';
import { createLogSink } from './log-sink.ts';

export type { Logger };

/** JSON lines for machines; on a terminal, a line that a person reads. Both on standard error, like upstream. */
export function createLog(options: { readonly debug: boolean; readonly terminal: boolean }): Logger {
  const level = options.debug ? 'debug' : 'info';
  const serializers = { error: pino.stdSerializers.err };
  const base = { level, base: null, serializers, timestamp: () => `,"time":"${new Date().toISOString()}"` };
  if (!options.terminal)
    return pino(
      { ...base, formatters: { level: (label) => ({ level: label }) } },
      createLogSink(process.stderr.fd),
    );
  return pino(base, { write: (line: string) => process.stderr.write(readable(line)) });
}

const LEVELS: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info ', 40: 'warn ', 50: 'error' };

function readable(line: string): string {
  const { time, level, msg, ...facts } = JSON.parse(line) as { time: string; level: number; msg: string };
  const details = Object.entries(facts).map(([key, value]) => `  ${key}=${factText(value)}`);
  return `${time.slice(11, 23)} ${LEVELS[level] ?? level} ${msg}${details.join('')}\n`;
}

function factText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null && 'message' in value) return String(value.message);
  return JSON.stringify(value);
}
