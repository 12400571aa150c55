import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { bundleScript } from './bundle-script.ts';
import { compress, renderChangelog } from './changelog.ts';
import { collectLicences } from './licences.ts';
import { renderManPage } from './man-page.ts';
import { LIBRARY, nodePackage, workspace } from './paths.ts';

/** Files of the workspace and their place on the host. */
const files: Readonly<Record<string, string>> = {
  'packaging/files/flanneld.service': 'usr/lib/systemd/system/flanneld.service',
  'packaging/files/docker-flannel.conf': 'usr/lib/systemd/system/docker.service.d/00-flannel.conf',
  'packaging/files/tmpfiles.conf': 'usr/lib/tmpfiles.d/flanneld.conf',
  'packaging/files/default': 'etc/default/flanneld',
  'packaging/debian/lintian-overrides': 'usr/share/lintian/overrides/flanneld',
};

/** Scripts besides the daemon's, and where their source is. */
const scripts: Readonly<Record<string, string>> = {
  'mk-docker-opts.js': 'packages/docker-options/src/main.ts',
  'setting.js': 'packaging/setting.ts',
};

/** Shell scripts that the units run. */
const helpers = ['is-configured', 'report-missing-options'];

const ADDON = 'packages/native/build/Release/flannel_native.node';

/** The addon with the files that load it; the daemon's bundle imports this package by its name. */
const modules = [
  'packages/native/package.json',
  'packages/native/dist/*.js',
  ADDON,
  'node_modules/node-gyp-build/package.json',
  'node_modules/node-gyp-build/{index,node-gyp-build}.js',
];

/** Fills `tree` with everything that the package installs. */
export async function stageTree(
  tree: string,
  { version, date }: { readonly version: string; readonly date: Date },
): Promise<void> {
  const library = join(tree, LIBRARY);
  for (const [from, to] of Object.entries(files)) await copy(join(workspace, from), join(tree, to));
  await copy(join(nodePackage, 'bin/node'), join(library, 'bin/node'));
  await stageDaemon(library);
  await stageModules(join(library, 'node_modules'));
  strip(join(library, 'bin/node'));
  for (const [name, entry] of Object.entries(scripts))
    await bundleScript(join(workspace, entry), join(library, 'bin', name));
  await writeFile(join(library, 'package.json'), '{ "type": "module" }\n');
  for (const helper of helpers)
    await copy(join(workspace, 'packaging/files', helper), join(library, 'bin', helper));
  await writeProgram(tree, 'flanneld', 'start.js');
  await writeProgram(tree, 'mk-docker-opts', 'mk-docker-opts.js');
  await stageDocuments(join(tree, 'usr/share'), { version, date });
}

async function stageDocuments(
  share: string,
  { version, date }: { readonly version: string; readonly date: Date },
): Promise<void> {
  const mkDockerOpts = await readFile(join(workspace, 'packaging/man/mk-docker-opts.1'), 'utf8');
  await write(join(share, 'man/man1/mk-docker-opts.1.gz'), compress(mkDockerOpts));
  await write(join(share, 'man/man8/flanneld.8.gz'), compress(await renderManPage(date)));
  await write(join(share, 'doc/flanneld/changelog.gz'), renderChangelog(version, date));
  await write(join(share, 'doc/flanneld/copyright'), await collectLicences());
}

async function stageDaemon(library: string): Promise<void> {
  const dist = join(workspace, 'apps/flanneld/dist');
  const scripts = globSync(join(dist, 'bin/*.js'));
  if (scripts.length === 0) throw new Error(`${dist}/bin has no bundle; run "npm run build" first`);
  for (const file of scripts) await copy(file, join(library, 'bin', basename(file)));
}

async function stageModules(nodeModules: string): Promise<void> {
  for (const pattern of modules) {
    const found = globSync(pattern, { cwd: workspace });
    if (found.length === 0) throw new Error(`there is no ${pattern}; run "npm run build" first`);
    for (const file of found) {
      const place = file.replace(/^packages\/native/, '@flannel-ts/native').replace(/^node_modules\//, '');
      await copy(join(workspace, file), join(nodeModules, place));
    }
  }
  const addon = join(nodeModules, '@flannel-ts/native', ADDON.replace('packages/native/', ''));
  strip(addon);
  // It is loaded and not run.
  await chmod(addon, 0o644);
}

/** A command that runs a script by the package's own Node. */
async function writeProgram(tree: string, name: string, script: string): Promise<void> {
  const text = `#!/bin/sh\nexec /${LIBRARY}/bin/node --disable-sigusr1 /${LIBRARY}/bin/${script} "$@"\n`;
  await write(join(tree, 'usr/bin', name), text, 0o755);
}

/** Removes symbols that only a debugger needs. */
function strip(program: string): void {
  execFileSync('strip', ['--strip-unneeded', program]);
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
}

async function write(to: string, content: string | Buffer, mode = 0o644): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await writeFile(to, content, { mode });
}
