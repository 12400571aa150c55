/** This host cannot have a fast path; the message says why. */
export class FastPathError extends Error {
  override readonly name = 'FastPathError';
}

/** Returns why there is no fast path, for an operator: the error's message, and what would help. */
export function explainMissingFastPath(error: unknown): string {
  const { message, code, syscall } = error as Error & { readonly code?: string; readonly syscall?: string };
  return `${message}${hint(code, syscall)}`;
}

function hint(code: string | undefined, syscall: string | undefined): string {
  if (code === 'EPERM') return '; it needs CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON';
  if (code === 'EINVAL' && /PROG_LOAD|PROG_ATTACH|LINK_CREATE/.test(syscall ?? ''))
    return '; it needs Linux 6.6 or later';
  if (code === 'EOPNOTSUPP') return '; it needs the kernel’s vxlan module';
  return '';
}
