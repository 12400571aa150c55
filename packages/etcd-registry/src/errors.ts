import { RegistryUnavailableError } from '@flannel-ts/subnet';

/** An option is invalid; the message begins with the option as `flanneld` spells it. */
export class EtcdOptionError extends Error {
  /** `etcd-endpoints`, `etcd-cafile`, … */
  readonly option: string;

  constructor(option: string, problem: string) {
    super(`${option} ${problem}`);
    this.name = 'EtcdOptionError';
    this.option = option;
  }
}

/**
 * etcd is there but does not let us in: TLS, user, password or permissions are wrong. Trying again helps
 * only after that was corrected; the message says what.
 */
export class RegistryAccessError extends RegistryUnavailableError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RegistryAccessError';
  }
}
