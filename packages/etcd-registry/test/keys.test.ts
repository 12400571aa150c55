import { describe, expect, it } from 'vitest';
import { EtcdOptionError } from '../src/index.ts';
import { createKeys } from '../src/keys.ts';

describe('keys', () => {
  it('lie under the prefix, with any slashes around it', () => {
    for (const prefix of ['/a/b', 'a/b', '/a/b/', '//a//b//']) {
      expect(createKeys(prefix)).toEqual({
        config: '/a/b/config',
        subnets: '/a/b/subnets/',
        subnetsEnd: '/a/b/subnets0',
      });
    }
  });

  it('may lie at the root', () => {
    expect(createKeys('/')).toEqual({ config: '/config', subnets: '/subnets/', subnetsEnd: '/subnets0' });
  });

  it('need a prefix', () => {
    expect(() => createKeys('')).toThrow(EtcdOptionError);
  });
});
