import { readFile } from 'node:fs/promises';
import { run } from '../command.ts';

/** A release of Debian, by code name. The machine's mirror serves all of them. */
export type Suite = 'bookworm' | 'trixie' | 'forky';

/** URL of the Debian mirror that this machine's apt uses for its own suite. */
export async function debianMirror(): Promise<string> {
  const release = /^VERSION_CODENAME=(\S+)/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1];
  const targets = (await run(['apt-get', 'indextargets', '--format', '$(SITE) $(RELEASE)'])).split('\n');
  const sites = targets.map((line) => line.split(' ')).filter(([, suite]) => suite === release);
  const mirror = sites[0]?.[0];
  if (!mirror)
    throw new Error(`apt names no mirror of ${release ?? 'this system'}; see apt-get indextargets`);
  return mirror;
}
