import { readFile } from 'node:fs/promises';
import type { BootedHost, RunningProcess } from '@flannel-ts/lab';
import { readSteps, type Step } from './markdown.ts';
import { heading, showCommand, showOutput } from './narrator.ts';
import {
  assignments,
  checkOutput,
  GuideError,
  startCommands,
  typeCommands,
  type Session,
} from './session.ts';

/** A step that runs on a host while the next one does. */
interface Meanwhile {
  readonly step: Step;
  readonly host: string;
  readonly process: RunningProcess;
}

/**
 * Types every command of a guide on the hosts that it names, in its order, and prints the session.
 * @throws {Error} with file and line, when a command fails or does not print what the guide says
 */
export async function followGuide(file: string, hosts: ReadonlyMap<string, BootedHost>): Promise<void> {
  const session: Session = { file, hosts, variables: new Map() };
  let section = '';
  let meanwhile: Meanwhile[] = [];
  for (const step of readSteps(await readFile(file, 'utf8'))) {
    if (step.heading !== section) heading((section = step.heading));
    if (step.meanwhile) {
      meanwhile = await Promise.all(step.hosts.map((host) => begin(session, step, host)));
      continue;
    }
    await runStep(session, step);
    for (const running of meanwhile) await finish(session, running);
    meanwhile = [];
  }
}

/** Runs a step on all its hosts at once; what they print comes host by host. */
async function runStep(session: Session, step: Step): Promise<void> {
  const hosts = await Promise.all(
    step.hosts.map(async (host) => ({ host, typed: await typeCommands(session, step, host) })),
  );
  for (const { host, typed } of hosts) {
    for (const assignment of assignments(session, step)) showCommand(host, assignment);
    for (const { command, output } of typed) {
      showCommand(host, command);
      showOutput(output);
    }
    checkOutput(session, step, host, typed.map(({ output }) => output).join('\n'));
    if (step.prints !== undefined) session.variables.set(step.prints, typed.at(-1)!.output.trim());
  }
}

/** The first line that it prints says that it works. */
async function begin(session: Session, step: Step, host: string): Promise<Meanwhile> {
  const process = startCommands(session, step, host);
  for (const command of [...assignments(session, step), ...step.commands]) showCommand(host, command);
  await process.line(/./);
  return { step, host, process };
}

async function finish(session: Session, { step, host, process }: Meanwhile): Promise<void> {
  const code = await process.exited;
  const output = process.lines.join('\n');
  console.log(`[${host}] meanwhile:`);
  showOutput(output);
  if (code !== 0) throw new GuideError(session, step, `${host}: the command ends with ${code}`, output);
  checkOutput(session, step, host, output);
}
