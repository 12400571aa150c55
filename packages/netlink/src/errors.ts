/** The kernel refused an operation. */
export class NetlinkError extends Error {
  /** What was asked, in `ip` words: `route replace 10.5.1.0/24 via 10.5.1.0 dev 7 onlink`. */
  readonly operation: string;
  /** Positive errno, such as 17. */
  readonly errno: number;
  /** Its name, such as `EEXIST`. */
  readonly code: string;
  /** The kernel's own explanation (NLMSGERR_ATTR_MSG), when it gave one. */
  readonly kernelText: string | undefined;

  constructor(facts: { operation: string; errno: number; code: string; kernelText?: string | undefined }) {
    super(`${facts.operation}: ${facts.code}${facts.kernelText ? ` (${facts.kernelText})` : ''}`);
    this.name = 'NetlinkError';
    this.operation = facts.operation;
    this.errno = facts.errno;
    this.code = facts.code;
    this.kernelText = facts.kernelText;
  }
}
