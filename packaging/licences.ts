import { existsSync, globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodePackage, workspace } from './paths.ts';

/**
 * The text of the package's copyright file: our licence, Node's, and those of the npm packages that the source
 * maps of the daemon's bundle name. mk-docker-opts has no others. The terms of Apache-2.0 are named and not repeated.
 */
export async function collectLicences(): Promise<string> {
  const sections = [
    section('flannel-ts', await readFile(join(workspace, 'LICENSE'), 'utf8')),
    section('Node.js', await readFile(join(nodePackage, 'LICENSE'), 'utf8')),
  ];
  const names = [...(await bundledPackages()), 'node-gyp-build'];
  for (const name of names.sort()) sections.push(await packageSection(name));
  return sections
    .join('\n')
    .replaceAll(APACHE_2, '$1Apache License, Version 2.0: /usr/share/common-licenses/Apache-2.0');
}

/** The terms, which every Debian system has, at any indentation. */
const APACHE_2 = /^( *)Apache License\n +Version 2\.0[^]*?END OF TERMS AND CONDITIONS/gm;

async function bundledPackages(): Promise<Set<string>> {
  const names = new Set<string>();
  for (const map of globSync(join(workspace, 'apps/flanneld/dist/bin/*.js.map'))) {
    const { sources } = JSON.parse(await readFile(map, 'utf8')) as { sources: string[] };
    for (const source of sources) {
      const [, name] = /.*node_modules\/((?:@[^/]+\/)?\w[^/]*)\//.exec(source) ?? [];
      if (name) names.add(name);
    }
  }
  return names;
}

async function packageSection(name: string): Promise<string> {
  const places = ['apps/flanneld/node_modules', 'node_modules'].map((place) => join(workspace, place, name));
  const directory = places.find((place) => existsSync(place));
  if (!directory)
    throw new Error(`${name} is in the bundle and not in node_modules; run "npm run build" again`);
  const manifest = await readFile(join(directory, 'package.json'), 'utf8');
  const { version, license } = JSON.parse(manifest) as { version: string; license: string };
  const [file] = globSync('{LICEN[CS]E,licen[cs]e}*', { cwd: directory }).sort();
  const text = file ? await readFile(join(directory, file), 'utf8') : 'It comes without a licence text.';
  return section(`${name} ${version} (${license})`, text);
}

function section(title: string, text: string): string {
  return `${title}\n${'='.repeat(title.length)}\n\n${text.replaceAll('\r', '').trim()}\n`;
}
