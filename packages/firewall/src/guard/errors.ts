import type { GuardedTunnel } from '../desired-rules.ts';

/**
 * A tunnel is not guarded; packets flow as they would without a guard. The message says what that means and what to do.
 */
export class UnguardedTunnelError extends Error {
  constructor({ port, onlyPeersVni }: GuardedTunnel, cause: Error) {
    const open = onlyPeersVni === undefined ? '' : ', and vxlan takes packets of hosts that have no lease';
    super(
      `containers of this host can send forged packets to UDP port ${port} of other hosts${open}, since there is no ` +
        `guard, for which nftables is needed whatever the other rules are made by: ${cause.message}`,
      { cause },
    );
    this.name = 'UnguardedTunnelError';
  }
}
