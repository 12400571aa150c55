import { run } from './command.ts';

/**
 * Attaches a program to an interface as a tcx link does, by bpf(2) itself: the code under test must not be what decides
 * that its tests are skipped. Prints `yes`, or `EINVAL` from a kernel that does not know such links; fails otherwise.
 */
const ATTACH_TCX = `
import ctypes, errno, platform, struct
PROG_LOAD, LINK_CREATE, SCHED_CLS, TCX_INGRESS, LOOPBACK = 5, 28, 3, 46, 1
number = {'x86_64': 321, 'aarch64': 280}[platform.machine()]
libc = ctypes.CDLL(None, use_errno=True)
def bpf(command, *fields):
    attributes = struct.pack(*fields)
    return libc.syscall(number, command, attributes, len(attributes))
def fail():
    raise OSError(ctypes.get_errno(), 'bpf')
pass_all = ctypes.create_string_buffer(bytes.fromhex('b700000000000000 9500000000000000'))
license = ctypes.create_string_buffer(b'GPL')
program = bpf(PROG_LOAD, 'IIQQ', SCHED_CLS, 2, ctypes.addressof(pass_all), ctypes.addressof(license))
if program < 0: fail()
if bpf(LINK_CREATE, 'IIII', program, LOOPBACK, TCX_INGRESS, 0) >= 0: print('yes')
elif ctypes.get_errno() == errno.EINVAL: print('EINVAL')
else: fail()
`;

let tcx: Promise<string | undefined> | undefined;

/**
 * Returns what this kernel lacks for programs at interfaces (tcx, Linux 6.6), and prints it, as tests that need them are
 * skipped then; `undefined` when it lacks nothing. For `describe.skipIf(await missingTcx())`. Needs root.
 * @throws {CommandError} when the kernel gives another answer, such as EPERM: that is no reason to skip
 */
export function missingTcx(): Promise<string | undefined> {
  tcx ??= askForTcx();
  return tcx;
}

async function askForTcx(): Promise<string | undefined> {
  const answer = await run(['unshare', '--net', 'python3', '-c', ATTACH_TCX]);
  if (answer === 'yes\n') return undefined;
  const missing = 'this kernel has no tcx: BPF_LINK_CREATE fails with EINVAL';
  console.warn(`tests are skipped: ${missing}`);
  return missing;
}
