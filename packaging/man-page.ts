import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Flag, FlagTable } from '../apps/flanneld/src/flag.ts';
import { commands } from '../apps/flanneld/src/request.ts';

/** flanneld(8): prose from man/flanneld.8, and the flags from the daemon's own tables. */
export async function renderManPage(date: Date): Promise<string> {
  const template = await readFile(join(import.meta.dirname, 'man/flanneld.8'), 'utf8');
  const day = date.toLocaleDateString('en-US', { dateStyle: 'long', timeZone: 'UTC' });
  return template.replaceAll(/^@(.+)@\n|@DATE@/gm, (text, command: string | undefined) => {
    if (command === undefined) return day;
    if (command === 'run') return renderGroups(commands.run.flags);
    if (command in commands) return renderOwn(commands[command as keyof typeof commands].flags);
    throw new Error(`man/flanneld.8: flanneld has no command for ${text.trim()}`);
  });
}

/** A subsection for each group of flags. */
function renderGroups(table: FlagTable): string {
  const groups = Map.groupBy(Object.entries(table), ([, flag]) => flag.group.replace(/:$/, ''));
  return [...groups].map(([group, entries]) => `.Ss ${escape(group)}\n${renderList(entries)}`).join('');
}

/** The flags that the daemon does not have. */
function renderOwn(table: FlagTable): string {
  return renderList(Object.entries(table).filter(([name]) => !(name in commands.run.flags)));
}

function renderList(entries: readonly (readonly [name: string, flag: Flag])[]): string {
  const items = entries.map(([name, flag]) => {
    const missing = flag.missing ? '\nNot supported yet.' : '';
    return `.It Fl \\-${escape(name)}${argumentOf(flag)}\n${escape(flag.describe)}.${defaultOf(flag)}${missing}\n`;
  });
  return `.Bl -tag -width Ds\n${items.join('')}.El\n`;
}

const ARGUMENTS: Readonly<Record<Flag['kind'], string>> = {
  text: 'text',
  choice: 'word',
  switch: '',
  integer: 'number',
  duration: 'duration',
  address: 'address',
  'comma-list': 'list',
  repeatable: 'text',
};

function argumentOf(flag: Flag): string {
  if (flag.kind === 'choice')
    return ` Ns = Ns ${flag.choices.map((choice) => `Cm ${escape(choice)}`).join(' | ')}`;
  const name = ARGUMENTS[flag.kind];
  return name === '' ? '' : ` Ns = Ns Ar ${name}`;
}

function defaultOf(flag: Flag): string {
  const notes = [
    ...('min' in flag ? [`From ${flag.min} to ${flag.max}.`] : []),
    ...(flag.kind === 'repeatable' ? ['May be given several times.'] : []),
    ...('default' in flag && flag.default !== '' ? [`Default: ${escape(String(flag.default))}.`] : []),
    ...(flag.aliases ? [`Also read from ${flag.aliases.join(', then ')}.`] : []),
  ];
  return notes.map((note) => `\n${note}`).join('');
}

/** Characters that roff(7) reads as more than text. */
function escape(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replace(/^[.']/, '\\&$&');
}
