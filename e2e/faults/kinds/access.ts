import { seconds, unready, type Fault } from '../fault.ts';

/** What becomes of passwords and certificates; in runs that have them. */
export const accessFaults: readonly Fault[] = [
  {
    kind: 'certificate replaced by one of another authority',
    suits: ({ access }) => access.kind === 'tls',
    async inject({ access, etcd, hosts, history }, random) {
      await history.pause();
      await access.replaceCertificate!();
      // New connections get the new certificate.
      for (const member of etcd.members) {
        await member.kill();
        await member.restart();
      }
      const effect = unready(hosts, /(registry|lease) failing since .*(certificate|etcd)/);
      const heal = async () => {
        await access.trust!();
        for (const host of hosts) host.daemon.signal('SIGHUP');
        await history.begin();
      };
      return { what: '', holdMs: seconds(random, 0, 5), effect, heal };
    },
  },
  {
    kind: 'authentication turned off and on',
    suits: ({ access }) => access.kind === 'password',
    async inject({ client }, random) {
      await client.etcdctl(['auth', 'disable']);
      const heal = () => client.etcdctl(['auth', 'enable']);
      // Shorter and longer than a token lives: some daemons sign in meanwhile.
      const holdMs = seconds(random, 1, 15);
      return { what: `for ${holdMs} ms`, holdMs, heal };
    },
  },
];
