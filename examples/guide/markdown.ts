/** A fenced `sh` block of a guide: what a reader types, on which hosts, and what must be printed. */
export interface Step {
  /** Text of the heading above. */
  readonly heading: string;
  /** Line of the block's first command in the file, from 1. */
  readonly line: number;
  readonly hosts: readonly string[];
  readonly commands: readonly string[];
  /** Lines that each host must print, in this order; `…` stands for anything within a line. */
  readonly expected: readonly string[];
  /** Keeps running while the next block runs, as in a second terminal. */
  readonly meanwhile: boolean;
  /** The variable that later blocks use for what the last command prints. */
  readonly prints: string | undefined;
}

/**
 * Reads the blocks of a guide in order. Words after the fence's `sh` say how a block runs: names of hosts,
 * `meanwhile`, `prints=VARIABLE`. An `output` block holds what the `sh` block before it must print.
 * @throws {Error} with the line, when a block names no host or an output has no commands
 */
export function readSteps(markdown: string): Step[] {
  const steps: Step[] = [];
  let heading = '';
  let fence: { readonly line: number; readonly language: string; readonly words: string[] } | undefined;
  let content: string[] = [];
  for (const [index, text] of markdown.split('\n').entries()) {
    if (fence && text === '```') {
      if (fence.language === 'sh') steps.push(createStep(heading, fence, content));
      if (fence.language === 'output') expectOutput(steps, fence, content);
      fence = undefined;
    } else if (fence) {
      content.push(text);
    } else if (text.startsWith('```')) {
      const [language = '', ...words] = text.slice(3).split(' ');
      fence = { line: index + 2, language, words };
      content = [];
    } else if (text.startsWith('#')) {
      heading = text.replace(/^#+ /, '');
    }
  }
  if (fence) throw new Error(`line ${fence.line}: the block must end with \`\`\``);
  return steps;
}

function createStep(
  heading: string,
  { line, words }: { readonly line: number; readonly words: readonly string[] },
  content: readonly string[],
): Step {
  const prints = words.find((word) => word.startsWith('prints='))?.slice('prints='.length);
  const hosts = words.filter((word) => word !== 'meanwhile' && !word.includes('='));
  if (hosts.length === 0)
    throw new Error(`line ${line}: a sh block must name its hosts: \`\`\`sh host1 host2`);
  const meanwhile = words.includes('meanwhile');
  return { heading, line, hosts, commands: splitCommands(content), expected: [], meanwhile, prints };
}

function expectOutput(steps: Step[], { line }: { readonly line: number }, expected: readonly string[]): void {
  const step = steps.pop();
  if (!step || step.expected.length > 0)
    throw new Error(`line ${line}: an output block must follow the sh block that prints it`);
  steps.push({ ...step, expected });
}

/** Joins the lines of each command: those that end with a backslash, and here-documents. */
function splitCommands(lines: readonly string[]): string[] {
  const commands: string[] = [];
  let open: string[] = [];
  let delimiter: string | undefined;
  for (const line of lines) {
    open.push(line);
    if (delimiter === undefined) delimiter = /<<-?'?(\w+)'?/.exec(line)?.[1];
    else if (line === delimiter) delimiter = undefined;
    if (delimiter !== undefined || line.endsWith('\\')) continue;
    commands.push(open.join('\n'));
    open = [];
  }
  if (open.length > 0) throw new Error(`the command must have an end:\n${open.join('\n')}`);
  return commands.filter((command) => command.trim() !== '');
}
