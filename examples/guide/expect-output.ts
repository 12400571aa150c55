/**
 * Returns the first expected line that is not printed after those before it; `undefined` when all are. A line is found
 * anywhere within a printed line; `…` stands for anything, and space at its ends for nothing.
 */
export function firstMissingLine(expected: readonly string[], output: string): string | undefined {
  const printed = output.split('\n');
  let next = 0;
  for (const line of expected) {
    const parts = line.trim().split('…');
    const found = printed.findIndex((text, index) => index >= next && hasInOrder(text, parts));
    if (found < 0) return line;
    next = found + 1;
  }
  return undefined;
}

function hasInOrder(text: string, parts: readonly string[]): boolean {
  let from = 0;
  for (const part of parts) {
    const found = text.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  return true;
}
