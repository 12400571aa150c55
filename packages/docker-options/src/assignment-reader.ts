/** Variables by name. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** A variable that a file sets. */
export interface Assignment {
  readonly name: string;
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

/** A word that cannot be used. */
export class WordError extends Error {
  readonly variable: string | undefined;

  constructor(message: string, variable?: string) {
    super(message);
    this.variable = variable;
  }
}

/** Reads words one after another, each an assignment or a part of `export`. */
export class AssignmentReader {
  readonly assignments: Assignment[] = [];
  position = 0;
  line = 1;
  readonly #text: string;
  readonly #environment: Variables;
  /** The command that the words belong to, up to its end. */
  #command: 'none' | 'assignments' | 'export' = 'none';
  /** Number of assignments before an `export`, which expands all of its words before it sets anything. */
  #before = 0;
  /** What the last pattern took. */
  #taken = '';

  constructor(text: string, environment: Variables) {
    this.#text = text;
    this.#environment = environment;
  }

  /** Goes to the next word, past blanks, comments and the ends of commands; false at the end of the text. */
  findWord(): boolean {
    const blank = /(?:[ \t]|\\\n)+|\n|#.*/y;
    while (this.#take(blank) || (this.#command !== 'none' && this.#take(/;/y))) {
      if (/^[\n;]/.test(this.#taken)) this.#command = 'none';
    }
    return this.position < this.#text.length;
  }

  /** Reads the word that begins here. @throws {WordError} */
  readWord(): void {
    const { line } = this;
    if (this.#command !== 'export' && this.#take(/export(?=[ \t])/y)) {
      this.#command = 'export';
      this.#before = this.assignments.length;
    } else if (this.#take(/[A-Za-z_]\w*=/y)) {
      if (this.#command === 'none') this.#command = 'assignments';
      const name = this.#taken.slice(0, -1);
      this.assignments.push({ name, value: this.#readValue(name), line });
    } else if (this.#command !== 'export' || !this.#take(/[A-Za-z_]\w*(?=[ \t\n;]|$)/y)) {
      this.#take(/\S+/y);
      throw new WordError(
        `a line must be made of NAME=value, not ${JSON.stringify(this.#taken)}; commands are not run`,
      );
    }
  }

  /** Goes to the end of the line that has this position. */
  skipLine(position: number, line: number): void {
    const end = this.#text.indexOf('\n', position);
    this.position = end < 0 ? this.#text.length : end;
    this.line = line;
  }

  #readValue(name: string): string {
    let value = '';
    while (!this.#take(/(?=[ \t\n;]|$)/y)) {
      if (this.#take(/'([^']*)'/y)) value += this.#taken.slice(1, -1);
      else if (this.#take(/"/y)) value += this.#readQuoted(name);
      else if (this.#take(/\\\n/y)) continue;
      else if (this.#take(/\\(?:.|$)/y)) value += this.#taken.slice(1) || '\\';
      else if (this.#take(/[^ \t\n'"\\$;`&|<>()~]+/y)) value += this.#taken;
      else value += this.#readExpansion(name);
    }
    return value;
  }

  /** The rest of a text between double quotes. */
  #readQuoted(name: string): string {
    let value = '';
    while (!this.#take(/"/y)) {
      if (this.#take(/[^"\\$`]+/y)) value += this.#taken;
      else if (this.#take(/\\\n/y)) continue;
      else if (this.#take(/\\[$`"\\]/y)) value += this.#taken[1]!;
      else if (this.#take(/\\/y)) value += this.#taken;
      else value += this.#readExpansion(name);
    }
    return value;
  }

  /** A line continuation may lie anywhere in `$NAME`, as a shell takes it out first. */
  #readExpansion(name: string): string {
    if (this.#take(/\$(?:\\\n)*(?:[A-Za-z_](?:\w|\\\n)*|\{[A-Za-z_]\w*\})/y)) {
      return this.#lookUp(this.#taken.replaceAll(/\W/g, ''));
    }
    if (this.#take(/\$(?!(?:\\\n)*[\w({?$!#*@'-])/y)) return this.#taken;
    if (!this.#take(/\$?[^']/suy)) throw new WordError(`${name} must have its quote closed`, name);
    throw new WordError(
      `${name} must be plain or quoted text, $NAME or \${NAME}, not ${JSON.stringify(this.#taken)}; commands are not run`,
      name,
    );
  }

  #lookUp(name: string): string {
    const known = this.#command === 'export' ? this.assignments.slice(0, this.#before) : this.assignments;
    const assignment = known.findLast((candidate) => candidate.name === name);
    if (assignment) return assignment.value;
    return (Object.hasOwn(this.#environment, name) && this.#environment[name]) || '';
  }

  /** Takes what a sticky pattern matches here. */
  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.#text);
    if (!match) return false;
    [this.#taken] = match;
    this.position = pattern.lastIndex;
    this.line += this.#taken.split('\n').length - 1;
    return true;
  }
}
