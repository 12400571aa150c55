import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { CommandOutcome, RunCommand } from '@flannel-ts/firewall';

const MOST_OUTPUT_BYTES = 256 * 1024 * 1024;

/** Runs commands that only read the packet filter, and takes down what others would change. */
export interface Rehearsal {
  readonly run: RunCommand;
  /** In the words of the command line: `iptables-nft -t nat -D POSTROUTING …`. */
  readonly changes: ReadonlySet<string>;
}

export function createRehearsal(): Rehearsal {
  const changes = new Set<string>();
  return {
    changes,
    async run(command, { input = '', signal }) {
      if (isReading(command)) return read(command, signal);
      for (const change of await describe(command, input, signal)) changes.add(change);
      return { exitCode: 0, stdout: '', stderr: '' };
    },
  };
}

function isReading([program = '', ...args]: readonly string[]): boolean {
  return program.endsWith('-save') || args.includes('list') || args.includes('--version');
}

async function read([file, ...args]: readonly string[], signal: AbortSignal): Promise<CommandOutcome> {
  try {
    const output = await promisify(execFile)(file!, args, { signal, maxBuffer: MOST_OUTPUT_BYTES });
    return { exitCode: 0, ...output };
  } catch (error) {
    const { code, stdout, stderr } = error as Omit<CommandOutcome, 'exitCode'> & { code: unknown };
    if (typeof code !== 'number') throw error;
    return { exitCode: code, stdout, stderr };
  }
}

async function describe(
  [program = '', ...args]: readonly string[],
  input: string,
  signal: AbortSignal,
): Promise<string[]> {
  if (!program.endsWith('-restore')) return [[program, ...args].join(' ')];
  const name = await withVariant(program.replace(/-restore$/, ''), signal);
  let table = '';
  return input.split('\n').flatMap((line) => {
    if (line.startsWith('*')) table = line.slice(1);
    return line.startsWith('-') ? [`${name} -t ${table} ${line}`] : [];
  });
}

/** The name `iptables` stands for one of two programs; old ones do not say for which. */
async function withVariant(name: string, signal: AbortSignal): Promise<string> {
  if (name.includes('-')) return name;
  const { stdout } = await read([name, '--version'], signal);
  if (stdout.includes('(nf_tables)')) return `${name}-nft`;
  return stdout.includes('(legacy)') ? `${name}-legacy` : name;
}
