// Types every command of the guides on freshly booted Debian hosts: npm run guide -- --docker 28.5
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createLab, ENGINE_SUITES, ENGINES, type BootedHost, type EngineRelease } from '@flannel-ts/lab';
import { buildPackage } from './build-package.ts';
import { followGuide } from './follow.ts';
import { bootHosts } from './hosts.ts';
import { GuideError } from './session.ts';
import { prepareUpstream, upstreamPackages } from './upstream.ts';

const GUIDES = join(import.meta.dirname, '../../docs/guides');

/** A guide and what its hosts are when it begins. */
interface Guide {
  readonly file: string;
  /** Packages that are installed before. */
  readonly installed?: (engine: EngineRelease) => readonly string[];
  readonly prepare?: (hosts: ReadonlyMap<string, BootedHost>) => Promise<void>;
}

const fresh: Guide = { file: 'two-docker-hosts.md' };
const replacing: Guide = {
  file: 'replacing-upstream.md',
  installed: upstreamPackages,
  prepare: prepareUpstream,
};

const { values } = parseArgs({ options: { docker: { type: 'string', default: '20.10' } } });
const engine = ENGINES.find((release) => release === values.docker);
if (!engine) fail(`--docker must be one of ${ENGINES.join(', ')}, not ${values.docker}`);
if (process.getuid?.() !== 0)
  fail('npm run guide needs root: it makes network namespaces. Run it as root or with sudo.');
try {
  await follow(fresh, engine);
  // Upstream carries no packet between hosts with Docker 28: a mixed cluster has an older one.
  if (engine !== '28.5') await follow(replacing, engine);
  console.log(`\nEvery command worked with Docker ${engine} and printed what the guide says.`);
} catch (error) {
  if (!(error instanceof GuideError)) throw error;
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}

async function follow({ file, installed, prepare }: Guide, release: EngineRelease): Promise<void> {
  console.log(`\n════ docs/guides/${file}, Docker ${release}`);
  await using stack = new AsyncDisposableStack();
  const lab = stack.use(await createLab());
  const deb = await buildPackage(lab.directory, ENGINE_SUITES[release]);
  const names = ['host1', 'host2', 'etcd'];
  const hosts = await bootHosts(
    { lab, stack },
    { names, engine: release, deb, installed: installed?.(release) },
  );
  await prepare?.(hosts);
  await followGuide(join(GUIDES, file), hosts);
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
