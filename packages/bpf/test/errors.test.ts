import type { SystemError } from '@flannel-ts/native';
import { expect, it } from 'vitest';
import { ProgramError } from '../src/index.ts';

const cause: SystemError = Object.assign(new Error('bpf BPF_PROG_LOAD: EACCES (Permission denied)'), {
  ...{ errno: 13, code: 'EACCES', syscall: 'bpf BPF_PROG_LOAD' },
});

/** As Linux 6.18 says it. */
const log = [
  '0: R1=ctx() R10=fp0',
  '0: (61) r2 = *(u32 *)(r1 +7)',
  'invalid bpf_context access off=7 size=4',
  'processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0',
  '',
].join('\n');

it('says the reason, which comes before the statistics of the verifier', () => {
  const error = new ProgramError(cause, log);
  expect(error.message).toBe(
    'the kernel refuses the program: EACCES: invalid bpf_context access off=7 size=4',
  );
});

it('says the line of C that was refused last', () => {
  const lines = [
    '; first(); @ a.c:1',
    '0: (b7) r1 = 0',
    '; return *count; @ refused.bpf.c:22',
    '1: (61) r0 = *(u32 *)(r0 +0)',
  ];
  const { message } = new ProgramError(cause, [...lines, 'R0 invalid mem access', ''].join('\n'));
  expect(message).toBe(
    'the kernel refuses the program: EACCES: R0 invalid mem access at "return *count; @ refused.bpf.c:22"',
  );
});

it('says the last line of a log without statistics', () => {
  for (const short of [
    'jump out of range from insn 0 to 9',
    'first\njump out of range from insn 0 to 9\n\n',
  ]) {
    const error = new ProgramError(cause, short);
    expect(error.message).toBe('the kernel refuses the program: EACCES: jump out of range from insn 0 to 9');
  }
});

it('says a reason that only mentions what was processed', () => {
  const error = new ProgramError(cause, 'not all was processed \nprocessed 1 insns\n');
  expect(error.message).toBe('the kernel refuses the program: EACCES: not all was processed ');
});

it.for(['', '\n\n', 'processed 0 insns (limit 1000000)\n'])('says that %j has no reason', (none) => {
  const error = new ProgramError(cause, none);
  expect(error.message).toBe('the kernel refuses the program: EACCES: the verifier gives no reason');
});

it('keeps the whole log and the error of the system call', () => {
  const error = new ProgramError(cause, log);
  expect(error).toMatchObject({ name: 'ProgramError', log, cause });
  expect(error).toBeInstanceOf(Error);
});
