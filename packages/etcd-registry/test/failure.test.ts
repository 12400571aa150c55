import { expect, it } from 'vitest';
import { unavailable } from '../src/failure.ts';

it('a failure that shows what to do is not hidden by a later one of the same endpoint that does not', () => {
  const endpoint = new URL('https://127.0.0.1:2379');
  const plain = new Error(
    'C0FFEE:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:record.c:1:',
  );
  const reset = new Error('read ECONNRESET');
  for (const errors of [
    [plain, reset],
    [reset, plain],
  ])
    expect(unavailable(errors.map((error) => ({ endpoint, error }))).message).toContain('write http://');
});
