import yargs from 'yargs';
import type { FlagTable } from './flag.ts';

/** How a command is called and what it does, for its help. */
export interface CommandHelp {
  readonly usage: string;
  readonly epilogue: string;
}

/** Lays out a command's flags in their groups, 100 columns wide. */
export function formatHelp(table: FlagTable, { usage, epilogue }: CommandHelp): Promise<string> {
  const layout = yargs([])
    .scriptName('flanneld')
    .usage(usage)
    .epilogue(epilogue)
    .wrap(100)
    .help(false)
    .version(false);
  for (const [name, flag] of Object.entries(table)) {
    layout.option(name, {
      type: flag.kind === 'switch' ? 'boolean' : 'string',
      array: flag.kind === 'repeatable',
      group: flag.group,
      describe: flag.missing ? `${flag.describe} (not supported yet)` : flag.describe,
      ...('default' in flag && { defaultDescription: String(flag.default) || 'none' }),
    });
  }
  return layout
    .option('help', { alias: 'h', boolean: true, describe: 'show this help', group: 'Other:' })
    .option('version', { boolean: true, describe: 'show the version', group: 'Other:' })
    .getHelp();
}
