import { join } from 'node:path';

/** The workspace's root. */
export const workspace = join(import.meta.dirname, '..');

/** The npm package with Node's own files, for this machine. */
export const nodePackage = join(workspace, `node_modules/node-linux-${process.arch}`);

/** Where the package keeps its programs. */
export const LIBRARY = 'usr/lib/flannel';

export const MAINTAINER = 'flannel-ts contributors <flannel-ts@packages.invalid>';
