import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAssignments } from '../src/shell-assignments.ts';

/** What a file sets at last, by name. */
function valuesOf(text: string, environment: Record<string, string> = {}): Record<string, string> {
  const { assignments, problems } = parseAssignments(text, environment);
  expect(problems).toEqual([]);
  return Object.fromEntries(assignments.map(({ name, value }) => [name, value]));
}

it('names the line of every assignment', () => {
  expect(parseAssignments('# c\nA=1 B="x\ny"\n\\\nC=3').assignments).toEqual([
    { name: 'A', value: '1', line: 2 },
    { name: 'B', value: 'x\ny', line: 2 },
    { name: 'C', value: '3', line: 5 },
  ]);
});

it('expands variables from the file before the environment', () => {
  expect(valuesOf('B=$A\nA=2\nC="${A}$B$D"', { A: '1' })).toEqual({ B: '1', A: '2', C: '21' });
  expect(valuesOf('A=1\nexport A=2 B=$A; C=$A')).toEqual({ A: '2', B: '1', C: '2' });
});

describe('reports with its line, runs nothing, and reads on', () => {
  it.each([
    ['echo hi', undefined, 'a line must be made of NAME=value, not "echo"; commands are not run'],
    ['1A=x', undefined, 'not "1A=x"'],
    ['export -p', undefined, 'not "-p"'],
    ['A+=x', undefined, 'not "A+=x"'],
    ['A=1 id', undefined, 'not "id"'],
    ['A=$(id)', 'A', 'A must be plain or quoted text, $NAME or ${NAME}, not "$("; commands are not run'],
    ['A="`id`"', 'A', 'not "`"'],
    ['A=${B:-c}', 'A', 'not "${"'],
    ['A=$1', 'A', 'not "$1"'],
    ['A=1|id', 'A', 'not "|"'],
    ['A=1 >file', undefined, 'not ">file"'],
    ['A=~/x', 'A', 'not "~"'],
    ["A='x", 'A', 'A must have its quote closed'],
    ['A="x', 'A', 'A must have its quote closed'],
  ])('%j', (bad, variable, problem) => {
    const { assignments, problems } = parseAssignments(`X=1\n${bad}\nY=2\n`);
    expect(problems).toEqual([{ line: 2, variable, problem: expect.stringContaining(problem) as string }]);
    expect(assignments.map(({ name }) => name)).toEqual(expect.arrayContaining(['X', 'Y']));
  });
});

const NAMES = ['A', 'B', 'C_1'];
const pieces = fc.constantFrom(
  ...NAMES.map((name) => `${name}=`),
  ...['export ', '\n', ' ', ';', '\t', '# x', '#', "'", '"', '\\', '\\\n', '$A', '${B}', '$', '{', '}'],
  ...['x', '1', '=', '.', '/', '-', '*', '?', '[', '!', '%', 'é', '`', '$(', '&', '|', '<', '(', ')', '~'],
);

const heads = fc.constantFrom(...NAMES.map((name) => `${name}=`), 'export A=', 'B=1 A=', 'C_1=2;B=', '');
const quoted = fc
  .tuple(fc.constantFrom('"', "'"), fc.constantFrom('x y', '$A', '\\$', '\\x', '$', '\\\n', '#', '\n', ''))
  .map(([quote, text]) => quote + text + quote);

it('reads what a shell reads, or reports a problem', () => {
  const words = fc.array(fc.oneof(pieces, quoted), { maxLength: 5 });
  const line = fc.tuple(heads, words).map(([head, rest]) => head + rest.join(''));
  const texts = fc.array(line, { minLength: 4, maxLength: 8 });
  let compared = 0;
  fc.assert(
    fc.property(texts, (lines) => {
      const accepted = lines.filter((line) => parseAssignments(line).problems.length === 0);
      const text = `${accepted.join('\n')}\n`;
      const { assignments, problems } = parseAssignments(text);
      // Debian 12's shell splits `export A=$B` at blanks; newer ones (POSIX.1-2024) do not.
      if (problems.length > 0 || /export[^\n]*\$/.test(text)) return;
      compared += assignments.length;
      // A lone `export` lists variables.
      const printed = NAMES.map((name) => `"$${name}"`).join(' ');
      const script = `exec 3>&1 >/dev/null\n${text}\nprintf '%s\\0' ${printed} >&3`;
      const { stdout, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8', env: {} });
      const ours = NAMES.map((name) => assignments.findLast((one) => one.name === name)?.value ?? '');
      expect({ values: stdout.split('\0').slice(0, -1), stderr }, text).toEqual({ values: ours, stderr: '' });
    }),
    { numRuns: 150 },
  );
  expect(compared).toBeGreaterThan(200);
});
