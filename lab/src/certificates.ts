import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';
import { makeDirectory } from './leftovers.ts';

/** Paths of a PEM certificate and its key. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of its own in a temporary directory. */
export interface Certificates extends AsyncDisposable {
  /** Path of the authority's PEM certificate. */
  readonly ca: string;
  /** Issues a server certificate for these IP addresses. */
  server(...addresses: string[]): Promise<KeyPair>;
  /** Issues a client certificate; etcd takes its common name for the user. */
  client(commonName: string): Promise<KeyPair>;
}

/** Makes a certificate authority with openssl. */
export async function createCertificates(): Promise<Certificates> {
  const directory = await makeDirectory('ca');
  let issued = 0;
  const request = async (name: string, commonName: string, ...flags: string[]): Promise<KeyPair> => {
    const pair = { cert: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) };
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const files = ['-keyout', pair.key, '-out', pair.cert];
    await run([
      'openssl',
      'req',
      '-x509',
      ...key,
      '-days',
      '2',
      '-subj',
      `/CN=${commonName}`,
      ...files,
      ...flags,
    ]);
    return pair;
  };
  const authority = await request('ca', 'lab authority');
  const issue = (commonName: string, ...extensions: string[]) =>
    request(
      `issued-${++issued}`,
      commonName,
      ...['-CA', authority.cert, '-CAkey', authority.key],
      ...['basicConstraints=CA:false', ...extensions].flatMap((extension) => ['-addext', extension]),
    );
  return {
    ca: authority.cert,
    server: (...addresses) =>
      issue(
        'etcd',
        'extendedKeyUsage=serverAuth,clientAuth',
        `subjectAltName=${addresses.map((address) => `IP:${address}`).join(',')}`,
      ),
    client: (commonName) => issue(commonName, 'extendedKeyUsage=clientAuth'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
