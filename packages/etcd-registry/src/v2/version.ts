import type { Access } from '../options.ts';
import { connectMember } from './member.ts';

/** Milliseconds for an endpoint to tell its version. */
const ANSWER_MS = 3_000;

/**
 * Whether the cluster is too old for the v3 API: its version, the lowest of its members', is 2.x by all
 * endpoints that answer. While none does, or they differ, nobody knows.
 */
export async function speaksOnlyV2(access: Access, signal: AbortSignal): Promise<boolean> {
  const answers = await Promise.allSettled(
    access.endpoints.map(async (endpoint) => {
      const member = await connectMember(endpoint, access);
      return await member
        .clusterVersion(performance.now() + ANSWER_MS, signal)
        .finally(() => member.close(new Error('the version is known')));
    }),
  );
  signal.throwIfAborted();
  const versions = answers.filter((answer) => answer.status === 'fulfilled').map(({ value }) => value);
  return versions.length > 0 && versions.every((version) => version.startsWith('2.'));
}
