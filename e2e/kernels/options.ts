import { globSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { KERNELS, type KernelName } from './kernel-tree.ts';

export interface Options {
  readonly kernels: readonly KernelName[];
  /** Test files, relative to the workspace. */
  readonly suites: readonly string[];
  /** How long a guest may take. */
  readonly minutes: number;
}

/** What depends on the kernel: eBPF, the fast path and its absence, ICMP, and what keeps strangers out. */
const SUITES = [
  'packages/bpf/test/*.lab.test.ts',
  'packages/native/test/bpf-calls.lab.test.ts',
  'packages/tunnel/test/{fast-path,outliving,fall-back,icmp,jumbo,wire-format}.lab.test.ts',
  'packages/tunnel/test/{transmit,receive,deliver}-program.lab.test.ts',
  'packages/tunnel/test/{underlay,unfinished,traffic-class}.lab.test.ts',
  'packages/firewall/test/{protect,guard,guard-peers,guard-table}.lab.test.ts',
];

const names = Object.keys(KERNELS) as KernelName[];

const HELP = `npm run test:kernels -- [--kernel NAME]… [--suite FILE]… [--timeout MINUTES]

Boots kernels of Debian in emulated machines that have this machine's files, and runs tests there. Ends with a table, and
exit code 1 if a test failed.

  --kernel   ${names.join(', ')} (default: each); may be given several times
  --suite    a test file, or a pattern of some; may be given several times (default:
             ${SUITES.join('\n             ')})
  --timeout  minutes that a guest may take (default: 60)
`;

/** Reads the command line; ends the process after `--help`, and with exit code 2 when it makes no sense. */
export function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        kernel: { type: 'string', multiple: true, default: names },
        suite: { type: 'string', multiple: true, default: SUITES },
        timeout: { type: 'string', default: '60' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const minutes = Number(values.timeout);
    if (!(minutes > 0)) throw new Error(`--timeout must be a number of minutes, not ${values.timeout}`);
    return { kernels: values.kernel.map(kernelNamed), suites: values.suite.flatMap(filesOf), minutes };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
}

function kernelNamed(value: string): KernelName {
  const name = names.find((each) => each === value);
  if (!name) throw new Error(`--kernel must be one of ${names.join(', ')}, not ${value}`);
  return name;
}

function filesOf(pattern: string): string[] {
  const files = globSync(pattern).sort();
  if (files.length === 0) throw new Error(`--suite must name test files, not ${pattern}`);
  return files;
}
