import { createBackoff } from '@flannel-ts/backoff';
import type { Clock, Logger } from '@flannel-ts/subnet';
import { FIRST_DELAY_MS } from '../registry.ts';
import { RefusedError } from '../failure.ts';
import type { User } from '../options.ts';
import type { Member } from './member.ts';

/** One user's sign-in for all connections: each costs etcd about as much as 1,000 reads. */
export interface SignIn {
  /**
   * Returns the token, after signing in if there is none; `undefined` without a user, or while etcd has
   * authentication disabled. After a refusal it is refused for a while without asking etcd.
   */
  token(member: Member): Promise<string | undefined>;
  /** Forgets a token that etcd does not take. */
  expire(token: string | undefined): void;
  /** Forgets token and refusal, so that the next call signs in. */
  reset(): void;
}

/** Creates the sign-in of a user, or of none. */
export function createSignIn(
  { clock, log, random }: { readonly clock: Clock; readonly log: Logger; readonly random: () => number },
  user: User | undefined,
): SignIn {
  const backoff = createBackoff({ random, firstMs: FIRST_DELAY_MS });
  let known: { readonly token: string | undefined } | undefined;
  let pending: { readonly member: Member; readonly token: Promise<string | undefined> } | undefined;
  let refused: { readonly error: RefusedError; readonly until: number } | undefined;

  async function signIn(member: Member, { name, readPassword }: User): Promise<string | undefined> {
    const password = await readPassword();
    try {
      const token = await member.signIn({ name, password });
      if (!token) log.debug({}, 'etcd has authentication disabled; the user name is ignored');
      known = { token };
      backoff.reset();
      return token;
    } catch (error) {
      if (error instanceof RefusedError) refused = { error, until: clock.now() + backoff.next() };
      throw error;
    }
  }

  /** Begins a sign-in through a member. */
  function begin(member: Member, by: User): NonNullable<typeof pending> {
    const token = signIn(member, by).finally(() => {
      if (pending === begun) pending = undefined;
    });
    const begun = { member, token };
    return begun;
  }

  return {
    async token(member) {
      if (!user) return undefined;
      if (known) return known.token;
      if (refused && clock.now() < refused.until) throw refused.error;
      // Not shared by members: one of them may hang.
      if (pending?.member !== member) pending = begin(member, user);
      return await pending.token;
    },
    expire(token) {
      if (known?.token === token) known = undefined;
    },
    reset() {
      known = refused = undefined;
      backoff.reset();
    },
  };
}
