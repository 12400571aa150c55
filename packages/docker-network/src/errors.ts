/** Docker could not do what was asked; the subclasses say why. */
export class DockerError extends Error {}

/** Docker does not answer: it is not installed, not started, starting or ending. Waiting may help. */
export class DockerUnavailableError extends DockerError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DockerUnavailableError';
  }
}

/** What answers cannot be used until an operator changes something. */
export class DockerUnusableError extends DockerError {
  readonly problem: 'no-permission' | 'not-docker' | 'too-old';

  constructor(problem: DockerUnusableError['problem'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DockerUnusableError';
    this.problem = problem;
  }
}

/** Docker refused a call. */
export class DockerRefusedError extends DockerError {
  /** The HTTP status: 403 when a rule forbids it, 404, 409, 500, … */
  readonly status: number;
  /** Docker's own words. */
  readonly answer: string;

  constructor(what: string, status: number, answer: string) {
    super(`Docker refused to ${what}: ${answer} (status ${status})`);
    this.name = 'DockerRefusedError';
    this.status = status;
    this.answer = answer;
  }
}
