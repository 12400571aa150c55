import { readFile } from 'node:fs/promises';
import { run } from '../command.ts';

/** Releases of Debian by code name, oldest first. The machine's mirror serves all of them. */
export const SUITES = ['bookworm', 'trixie', 'forky'] as const;
export type Suite = (typeof SUITES)[number];

/** Whether a program that was compiled on this machine runs on `suite`: newer libraries serve older programs. */
export async function runsOn(suite: Suite): Promise<boolean> {
  const own = await codeName();
  return SUITES.slice(0, SUITES.indexOf(suite) + 1).some((older) => older === own);
}

/** URL of the Debian mirror that this machine's apt uses for its own suite. */
export async function debianMirror(): Promise<string> {
  const release = await codeName();
  const targets = (await run(['apt-get', 'indextargets', '--format', '$(SITE) $(RELEASE)'])).split('\n');
  const sites = targets.map((line) => line.split(' ')).filter(([, suite]) => suite === release);
  const mirror = sites[0]?.[0];
  if (!mirror)
    throw new Error(`apt names no mirror of ${release ?? 'this system'}; see apt-get indextargets`);
  return mirror;
}

/** The code name of this machine's system, which may be none of {@link SUITES}. */
async function codeName(): Promise<string | undefined> {
  return /^VERSION_CODENAME=(\S+)/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1];
}
