import { ProgramError } from '@flannel-ts/bpf';

/** There can be no fast path; the message tells why. */
export class FastPathError extends Error {
  override readonly name = 'FastPathError';
}

/** What the kernel refused as a reason for an operator. Errors of another kind are none, and stay what they are. */
export function asFastPathError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof FastPathError) return error;
  const { code, syscall } = error as { readonly code?: string; readonly syscall?: string };
  if (code === undefined && !(error instanceof ProgramError)) return error;
  return new FastPathError(`${error.message}${hint(code, syscall)}`, { cause: error });
}

function hint(code: string | undefined, syscall: string | undefined): string {
  if (code === 'EPERM') return '; it needs CAP_BPF and CAP_NET_ADMIN';
  if (code === 'EINVAL' && /PROG_ATTACH|LINK_CREATE/.test(syscall ?? ''))
    return '; it needs Linux 6.6 or later';
  if (code === 'EOPNOTSUPP') return '; it needs the kernel’s vxlan module';
  return '';
}
