/** Longest output that is printed whole; the middle of a longer one is left out. */
const SHOWN_LINES = 16;

/** Prints a heading, and how many seconds the process has run. */
export function heading(text: string): void {
  console.log(`\n── ${text} (${Math.round(performance.now() / 1000)} s)`);
}

/** Prints a command as a person types it, with its further lines indented. */
export function showCommand(host: string, command: string): void {
  console.log(`[${host}]# ${command.replaceAll('\n', '\n       ')}`);
}

/** Prints what a command printed, indented. */
export function showOutput(output: string): void {
  // A program that shows progress writes a line over and over.
  const written = output.split('\n').map((line) => line.slice(line.lastIndexOf('\r') + 1));
  const lines = written.filter((line) => line.trim() !== '');
  const left = lines.length > SHOWN_LINES ? lines.length - SHOWN_LINES : 0;
  const shown = left === 0 ? lines : [...lines.slice(0, 3), `… ${left} lines`, ...lines.slice(3 + left)];
  for (const line of shown) console.log(`    ${line}`);
}
