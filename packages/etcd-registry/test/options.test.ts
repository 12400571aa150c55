import { describe, expect, it } from 'vitest';
import { createRecordingLog } from '@flannel-ts/subnet/testing';
import { checkAccess, type EtcdRegistryOptions } from '../src/options.ts';

const log = createRecordingLog();

const http = ['http://127.0.0.1:2379'];
const https = ['https://etcd.example:2379'];

describe('options', () => {
  const wrong: readonly (readonly [EtcdRegistryOptions, string])[] = [
    [{ endpoints: [] }, 'etcd-endpoints is empty'],
    [{ endpoints: ['127.0.0.1:2379'] }, 'etcd-endpoints has "127.0.0.1:2379"'],
    [{ endpoints: [...http, 'ftp://etcd:2379'] }, 'etcd-endpoints has "ftp://etcd:2379"'],
    [{ endpoints: ['http://etcd:port'] }, 'etcd-endpoints has "http://etcd:port"'],
    [{ endpoints: ['http://etcd:2379/v2'] }, 'such as http://etcd:2379'],
    [{ endpoints: https, tls: { cert: 'client.pem' } }, 'etcd-certfile needs etcd-keyfile'],
    [{ endpoints: https, tls: { key: 'client.key' } }, 'etcd-keyfile needs etcd-certfile'],
    [{ endpoints: http, username: 'flannel' }, 'etcd-username needs etcd-password'],
    [{ endpoints: http, password: 'secret' }, 'etcd-password needs etcd-username'],
    [{ endpoints: http, passwordFile: 'secret' }, 'etcd-password-file needs etcd-username'],
    [
      { endpoints: http, username: 'flannel', password: 'secret', passwordFile: 'secret' },
      'etcd-password-file must not be given with etcd-password',
    ],
  ];
  for (const [options, message] of wrong) {
    it(`that make no sense: ${message}`, () => expect(() => checkAccess(options, log)).toThrow(message));
  }

  it.each([
    ['http://root:secret@etcd:2379', 'http://…@etcd:2379'],
    ['http://:secret@etcd:2379', 'http://…@etcd:2379'],
    ['http://root:secret/@etcd:2379', 'http://…@etcd:2379'],
    ['root:secret@etcd:2379', '…@etcd:2379'],
  ])('with a password in an endpoint are refused without repeating it: %s', (endpoint, shown) => {
    const check = () => checkAccess({ endpoints: [endpoint] }, log);
    expect(check).toThrow(`etcd-endpoints has "${shown}"; want`);
    expect(check).not.toThrow('secret');
  });

  it('that are empty count as not given', () => {
    const empty = { tls: { ca: '', cert: '', key: '' }, username: '', password: '', passwordFile: '' };
    const fresh = createRecordingLog();
    expect(checkAccess({ endpoints: http, ...empty }, fresh).user).toBe(undefined);
    expect(fresh.entries).toEqual([]);
  });

  for (const [tls, flag] of [
    [{ ca: 'ca.pem' }, 'etcd-cafile'],
    [{ cert: 'client.pem', key: 'client.key' }, 'etcd-certfile'],
  ] as const) {
    it(`are taken with one warning when ${flag} has no https endpoint to be for`, () => {
      const fresh = createRecordingLog();
      checkAccess({ endpoints: http, tls }, fresh);
      expect(fresh.entries.map(({ level }) => level)).toEqual(['warn']);
      expect(fresh.entries[0]!.message).toContain(`${flag} has no effect`);
      expect(fresh.entries[0]!.message).toContain('write https://');
    });
  }

  it('take IPv6 endpoints and a slash at the end', () => {
    const { endpoints } = checkAccess({ endpoints: ['http://[::1]:2379/', 'https://etcd:2379'] }, log);
    expect(endpoints.map(({ origin }) => origin)).toEqual(['http://[::1]:2379', 'https://etcd:2379']);
  });
});
