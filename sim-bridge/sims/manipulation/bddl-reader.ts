/** Parenthesised text as nested lists of words, with the place of each: BDDL below its keywords. */

interface Place {
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
}

export interface BddlWord extends Place {
  readonly kind: "word";
  readonly text: string;
}

export interface BddlList extends Place {
  readonly kind: "list";
  readonly items: readonly BddlNode[];
}

export type BddlNode = BddlWord | BddlList;

const MAX_LENGTH = 256 * 1024;
const MAX_DEPTH = 16;

/** A SyntaxError that names the place. */
export function refuse({ line, column }: Place, problem: string): SyntaxError {
  return new SyntaxError(`Cannot parse BDDL: ${problem} (line ${line}, column ${column})`);
}

/**
 * Reads the one expression a text consists of.
 * @throws {SyntaxError} at unbalanced parentheses, an empty text or anything after the expression
 * @throws {RangeError} if it is longer than 256 KiB or nested deeper than 16
 */
export function readExpression(text: string): BddlNode {
  if (text.length > MAX_LENGTH) {
    throw new RangeError(
      `Cannot parse BDDL: the text has ${text.length} characters, must be at most ${MAX_LENGTH}`,
    );
  }
  const open: { place: Place; items: BddlNode[] }[] = [];
  let result: BddlNode | undefined;
  for (const token of tokens(text)) {
    if (result !== undefined) throw refuse(token, "text follows the end, must be one expression");
    if (token.text === "(") {
      if (open.length === MAX_DEPTH) {
        throw new RangeError(
          `Cannot parse BDDL: lists are nested deeper than ${MAX_DEPTH} (line ${token.line}, column ${token.column})`,
        );
      }
      open.push({ place: token, items: [] });
      continue;
    }
    let node: BddlNode = token;
    if (token.text === ")") {
      const closed = open.pop();
      if (closed === undefined) throw refuse(token, "a parenthesis closes that none opened");
      const { line, column } = closed.place;
      node = { kind: "list", items: closed.items, line, column };
    }
    const parent = open.at(-1);
    if (parent === undefined) result = node;
    else parent.items.push(node);
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined) throw refuse(unclosed.place, "a parenthesis is never closed");
  if (result === undefined) throw refuse({ line: 1, column: 1 }, "the text is empty");
  return result;
}

/** Parentheses and words; `;` comments run to the end of their line. */
function* tokens(text: string): Generator<BddlWord> {
  const pattern = /\n|;[^\n]*|[()]|[^\s();]+/g;
  let line = 1;
  let lineStart = 0;
  for (const match of text.matchAll(pattern)) {
    const found = match[0];
    if (found === "\n") {
      line++;
      lineStart = match.index + 1;
    } else if (!found.startsWith(";")) {
      yield { kind: "word", text: found, line, column: match.index - lineStart + 1 };
    }
  }
}
