import { readFile } from 'node:fs/promises';
import { UsageError } from './flag-value.ts';

/** The files with the settings of flanneld.service, as in its `EnvironmentFile=` lines; a later one wins. */
const SETTINGS_FILES = ['/etc/sysconfig/flanneld', '/etc/default/flanneld'];

/**
 * Reads the variables that flanneld.service has, so that other commands mean the same by them.
 * @throws {UsageError} when the user may not read a file
 */
export async function readSettingsFiles(): Promise<Record<string, string>> {
  const texts = await Promise.all(SETTINGS_FILES.map(readIfThere));
  return Object.assign({}, ...texts.map(parseEnvironmentFile)) as Record<string, string>;
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return '';
    throw new UsageError(`the settings of flanneld.service cannot be read: ${message}; run it as root`);
  }
}

/** An assignment: its name, its quoted parts, and the rest of the line, which a backslash continues. */
const ASSIGNMENT =
  /^[ \t]*([A-Za-z_]\w*)[ \t]*=((?:[ \t]*(?:'[^']*'|"(?:\\[^]|[^"\\])*"))*)[ \t]*((?:\\[^]|[^\\\n])*)/gm;

const QUOTED = /'([^']*)'|"((?:\\[^]|[^"\\])*)"/g;

/** Parses a file as systemd does (systemd.exec(5), `EnvironmentFile=`): nothing is expanded. */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [, name, quoted, rest] of text.matchAll(ASSIGNMENT)) {
    const parts = [...quoted!.matchAll(QUOTED)].map(([, single, double]) => single ?? unescape(double!));
    variables[name!] = parts.join('') + rest!.trimEnd().replaceAll(/\\(\n?)([^]?)/g, '$2');
  }
  return variables;
}

/** Between double quotes a backslash is one, but before what a shell escapes there and at the end of a line. */
function unescape(text: string): string {
  return text.replaceAll(/\\(?:\n|(["\\`$]))/g, '$1');
}

/** Splits a variable into words as systemd does where a unit has `$NAME`: at white space that is not quoted. */
export function splitWords(text: string): readonly string[] {
  const words = text.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  return words.map((word) => word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'));
}
