import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSteps } from '../guide/markdown.ts';

const GUIDES = join(import.meta.dirname, '../../docs/guides');

it('reads blocks with their heading, line, hosts and words', () => {
  const text = guide(
    '# Title',
    '## 1. Ping',
    '',
    '~sh host1 host2',
    'hostname',
    '~',
    '~sh host2 prints=IP',
    'ip a',
    '~',
  );
  expect(readSteps(text)).toEqual([
    {
      heading: '1. Ping',
      line: 5,
      hosts: ['host1', 'host2'],
      commands: ['hostname'],
      expected: [],
      meanwhile: false,
      prints: undefined,
    },
    expect.objectContaining({ line: 8, hosts: ['host2'], prints: 'IP' }),
  ]);
});

it('joins the lines of a here-document and those after a backslash', () => {
  const document = ["cat > file <<'END'", '# not a heading', '', 'END'];
  const [step] = readSteps(guide('~sh host1', ...document, 'a \\', '  b', '', 'c', '~'));
  expect(step!.commands).toEqual([document.join('\n'), 'a \\\n  b', 'c']);
});

it('gives an output to the block before it, and leaves other languages alone', () => {
  const text = guide(
    '~sh host1 meanwhile',
    'ping',
    '~',
    '~json',
    '{}',
    '~',
    '~output',
    '0% packet loss',
    '~',
  );
  expect(readSteps(text)).toMatchObject([{ meanwhile: true, expected: ['0% packet loss'] }]);
});

it.each([
  [['~sh', 'ls', '~'], 'line 2: a sh block must name its hosts'],
  [['~output', 'x', '~'], 'line 2: an output block must follow the sh block that prints it'],
  [['text', '~sh host1', 'ls'], 'line 3: the block must end with ```'],
  [['~sh host1', 'cat <<END', 'x', '~'], 'the command must have an end:\ncat <<END\nx'],
])('refuses %j', (lines, message) => {
  expect(() => readSteps(guide(...lines))).toThrow(message);
});

it.each(['two-docker-hosts.md', 'replacing-upstream.md'])('every block of %s is executed', async (file) => {
  const text = await readFile(join(GUIDES, file), 'utf8');
  const fences = text.match(/^```.+$/gm) ?? [];
  expect(fences.filter((line) => !/^```(sh \w.*|output)$/.test(line))).toEqual([]);
  // Markdown has blocks by indentation, too.
  const prose = text.replaceAll(/^```.+\n[^]*?^```$/gm, '');
  expect(prose.match(/^(?: {4}|\t).*$/gm) ?? []).toEqual([]);
  expect(readSteps(text).length).toBeGreaterThan(5);
});

/** `~` stands for the fence. */
function guide(...lines: string[]): string {
  return lines.map((line) => line.replace(/^~/, '```')).join('\n');
}
