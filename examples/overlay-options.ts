import { parseArgs } from 'node:util';
import { ENGINES, type EngineRelease } from '@flannel-ts/lab';

const BACKENDS = ['udp', 'vxlan', 'host-gw'];
const HELP = `npm start -- [--backend udp|vxlan|host-gw] [--hosts N] [--docker RELEASE] [--keep]

Runs hosts (network namespaces) with a real etcd and one flanneld each, pings every container from every
other, measures throughput and tears everything down.

  --backend  how packets travel between hosts (default vxlan)
  --hosts    number of hosts, 2 to 50 (default 3)
  --docker   containers of a real Docker Engine on each host: ${ENGINES.join(', ')} (default: namespaces)
  --keep     stay up until Ctrl-C, to look around
`;

/** What `npm start` is asked for. */
export interface OverlayOptions {
  readonly backend: string;
  readonly hosts: number;
  readonly docker: EngineRelease | undefined;
  readonly keep: boolean;
}

/** Reads the command line; prints what is wrong with it and returns `undefined` when it makes no sense. */
export function readOptions(): OverlayOptions | undefined {
  try {
    const { values } = parseArgs({
      options: {
        backend: { type: 'string', default: 'vxlan' },
        hosts: { type: 'string', default: '3' },
        docker: { type: 'string' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const hosts = Number(values.hosts);
    if (!BACKENDS.includes(values.backend))
      throw new Error(`--backend must be one of ${BACKENDS.join(', ')}`);
    if (!Number.isInteger(hosts) || hosts < 2 || hosts > 50) throw new Error('--hosts must be from 2 to 50');
    const docker = ENGINES.find((release) => release === values.docker);
    if (values.docker !== undefined && !docker)
      throw new Error(`--docker must be one of ${ENGINES.join(', ')}`);
    return { backend: values.backend, hosts, docker, keep: values.keep };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return undefined;
  }
}
