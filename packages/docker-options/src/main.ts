// The executable: mk-docker-opts with this process's arguments, environment and streams.
import { mkDockerOpts } from './mk-docker-opts.ts';

process.exitCode = await mkDockerOpts({
  args: process.argv.slice(2),
  environment: process.env,
  print: (text) => process.stdout.write(text),
  complain: (text) => process.stderr.write(text),
}).catch((error: unknown) => {
  process.stderr.write(`mk-docker-opts: ${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
