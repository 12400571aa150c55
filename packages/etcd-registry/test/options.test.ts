import { describe, expect, it } from 'vitest';
import { checkAccess, type EtcdRegistryOptions } from '../src/options.ts';

const http = ['http://127.0.0.1:2379'];
const https = ['https://etcd.example:2379'];

describe('options', () => {
  const wrong: readonly (readonly [EtcdRegistryOptions, string])[] = [
    [{ endpoints: [] }, 'etcd-endpoints is empty'],
    [{ endpoints: ['127.0.0.1:2379'] }, 'etcd-endpoints has "127.0.0.1:2379"'],
    [{ endpoints: [...http, 'ftp://etcd:2379'] }, 'etcd-endpoints has "ftp://etcd:2379"'],
    [{ endpoints: ['http://etcd:port'] }, 'etcd-endpoints has "http://etcd:port"'],
    [{ endpoints: ['http://etcd:2379/v2'] }, 'such as http://etcd:2379'],
    [{ endpoints: http, tls: { ca: 'ca.pem' } }, 'etcd-cafile is given, but no URL'],
    [{ endpoints: https, tls: { cert: 'client.pem' } }, 'etcd-certfile needs etcd-keyfile'],
    [{ endpoints: https, tls: { key: 'client.key' } }, 'etcd-keyfile needs etcd-certfile'],
    [{ endpoints: http, username: 'flannel' }, 'etcd-username needs etcd-password'],
    [{ endpoints: http, password: 'secret' }, 'etcd-password needs etcd-username'],
  ];
  for (const [options, message] of wrong) {
    it(`that make no sense: ${message}`, () => expect(() => checkAccess(options)).toThrow(message));
  }

  it('that are empty count as not given', () => {
    const access = checkAccess({
      endpoints: http,
      tls: { ca: '', cert: '', key: '' },
      username: '',
      password: '',
    });
    expect(access.user).toBe(undefined);
  });

  it('take IPv6 endpoints and a slash at the end', () => {
    const { endpoints } = checkAccess({ endpoints: ['http://[::1]:2379/', 'https://etcd:2379'] });
    expect(endpoints.map(({ origin }) => origin)).toEqual(['http://[::1]:2379', 'https://etcd:2379']);
  });
});
