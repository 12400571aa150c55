import { AssignmentReader, WordError, type Assignment, type Variables } from './assignment-reader.ts';

/** A place in a file that cannot be used. */
export interface AssignmentProblem {
  /** From 1. */
  readonly line: number;
  /** The variable that is set there; `undefined` when none is. */
  readonly variable: string | undefined;
  readonly problem: string;
}

/**
 * Reads a file of variables as a shell would that sources it, without running anything: `NAME=value`, several
 * on a line, `export`, comments, `'…'`, `"…"`, backslashes, line continuation, `$NAME` and `${NAME}` (POSIX.1-2017,
 * Shell Command Language, 2.2, 2.3, 2.6.2). Whatever else a shell knows is a problem; reading goes on in the
 * next line.
 *
 * @param environment - what `$NAME` is when the file has not set it
 */
export function parseAssignments(
  text: string,
  environment: Variables = {},
): { readonly assignments: readonly Assignment[]; readonly problems: readonly AssignmentProblem[] } {
  const reader = new AssignmentReader(text.replaceAll('\r\n', '\n'), environment);
  const problems: AssignmentProblem[] = [];
  while (reader.findWord()) {
    const { line, position } = reader;
    try {
      reader.readWord();
    } catch (error) {
      if (!(error instanceof WordError)) throw error;
      problems.push({ line, variable: error.variable, problem: error.message });
      reader.skipLine(position, line);
    }
  }
  return { assignments: reader.assignments, problems };
}
