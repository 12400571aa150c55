import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The packages, with versions, of the libraries that the programs are linked to, as dpkg-shlibdeps(1) finds them. */
export async function findSharedLibraries(programs: readonly string[]): Promise<string> {
  const source = await mkdtemp(join(tmpdir(), 'shlibdeps-'));
  try {
    await mkdir(join(source, 'debian'));
    // It does not run without the control file of a source package.
    await writeFile(
      join(source, 'debian/control'),
      'Source: flanneld\n\nPackage: flanneld\nArchitecture: any\n',
    );
    const output = execFileSync('dpkg-shlibdeps', ['-O', ...programs.map((program) => `-e${program}`)], {
      cwd: source,
      encoding: 'utf8',
      // It warns of the addon's symbols, which Node itself has.
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return output.trim().replace('shlibs:Depends=', '');
  } finally {
    await rm(source, { recursive: true, force: true });
  }
}
