import { describe, expect, it } from 'vitest';
import { ApiMissingError } from '../src/failure.ts';
import { parseAnswer } from '../src/v2/answer.ts';

const parse = (status: number, body: string, headers: Record<string, string> = { 'x-etcd-index': '7' }) =>
  parseAnswer({ status, headers, body });

const node = { key: '/a', value: 'x', modifiedIndex: 5 };

describe('an answer of etcd v2', () => {
  it('is what was done, at an index', () => {
    const text = JSON.stringify({ action: 'get', node });
    expect(parse(200, text)).toEqual({ kind: 'done', action: 'get', node, index: 7 });
  });

  for (const code of [100, 101, 105, 401]) {
    it(`is error code ${code} for a request that is not carried out`, () => {
      expect(parse(400, JSON.stringify({ errorCode: code }))).toEqual({ kind: 'refused', code, index: 7 });
    });
  }

  const failures: readonly (readonly [number, string, string])[] = [
    [502, '<html>Bad Gateway</html>', 'HTTP status 502: <html>Bad Gateway</html>'],
    [200, '', 'HTTP status 200: '],
    [200, '[]', "HTTP status 200 and no answer of etcd's: []"],
    [200, '{"action":"get"}', "no answer of etcd's"],
    [200, '{"action":"get","node":{"key":"/a"}}', "no answer of etcd's"],
    [
      500,
      '{"errorCode":300,"message":"Raft Internal Error","cause":"timed out"}',
      'Raft Internal Error: timed out',
    ],
    [401, '{"errorCode":110,"message":"The request requires user authentication"}', 'requires user'],
  ];
  for (const [status, body, message] of failures) {
    it(`is an error of the member: ${status} ${body}`, () => {
      expect(() => parse(status, body)).toThrow(message);
    });
  }

  it('without an index is none of etcd’s', () => {
    const text = JSON.stringify({ action: 'get', node });
    expect(() => parse(200, text, {})).toThrow("no answer of etcd's");
  });

  it('shows that there is no v2 API', () => {
    expect(() => parse(404, '404 page not found')).toThrow(ApiMissingError);
  });
});
