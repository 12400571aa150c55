import { CommandError, type BootedHost, type RunningProcess } from '@flannel-ts/lab';
import { firstMissingLine } from './expect-output.ts';
import type { Step } from './markdown.ts';

/** The hosts of one guide, and the variables that its steps have printed values for. */
export interface Session {
  /** Path of the guide. */
  readonly file: string;
  readonly hosts: ReadonlyMap<string, BootedHost>;
  readonly variables: Map<string, string>;
}

/** A step does not do what its guide says. */
export class GuideError extends Error {
  constructor({ file }: Session, { line }: Step, what: string, output: string) {
    super(`${file}:${line}: ${what}\n${output.trimEnd()}`);
    this.name = 'GuideError';
  }
}

/** One command, and what it printed. */
export interface Typed {
  readonly command: string;
  readonly output: string;
}

/** What root has after a login; packages that ask questions take their defaults. */
const LOGIN = ['env', '-i', 'HOME=/root', 'TERM=dumb', 'DEBIAN_FRONTEND=noninteractive'];
const SHELL = ['bash', '--login', '-o', 'pipefail', '-c'];

/** Runs the commands of a step on one host, one after the other. @throws {GuideError} when one fails */
export async function typeCommands(session: Session, step: Step, host: string): Promise<Typed[]> {
  const typed: Typed[] = [];
  for (const command of step.commands) {
    try {
      const output = await hostOf(session, host).run(...shell(session, step, command));
      typed.push({ command, output });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const printed = [...typed.map(({ output }) => output), error.output].join('\n');
      throw new GuideError(session, step, `${host}: "${command}" fails`, printed);
    }
  }
  return typed;
}

/** Starts the commands of a step on one host. */
export function startCommands(session: Session, step: Step, host: string): RunningProcess {
  return hostOf(session, host).start(shell(session, step, step.commands.join('\n')));
}

/** The variables that a step uses, as a reader sets them. */
export function assignments({ variables }: Session, { commands }: Step): string[] {
  const used = [...variables].filter(([name]) => commands.some((command) => command.includes(`$${name}`)));
  return used.map(([name, value]) => `${name}=${value}`);
}

/** @throws {GuideError} when a line of the step's `output` block is not in what it printed */
export function checkOutput(session: Session, step: Step, host: string, output: string): void {
  const missing = firstMissingLine(step.expected, output);
  if (missing === undefined) return;
  throw new GuideError(session, step, `${host} does not print "${missing}"`, output);
}

function shell(session: Session, step: Step, command: string): string[] {
  return [...LOGIN, ...SHELL, ['exec 2>&1; cd', ...assignments(session, step), command].join('\n')];
}

function hostOf({ file, hosts }: Session, name: string): BootedHost {
  const host = hosts.get(name);
  if (host) return host;
  throw new Error(`${file}: a block must name hosts of ${[...hosts.keys()].join(', ')}, not ${name}`);
}
