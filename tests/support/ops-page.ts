/** The text of `docs/ops.md`, from the tables that the runtime itself uses. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { DIFFERENTIABLE_OPS, vjpRuleOf } from "../../src/autodiff/index.ts";
import {
  EVALUABLE_OPS,
  introducedIn,
  KNOWN_OPS,
  NEWEST_OPSET,
  OLDEST_OPSET,
  olderFormUntil,
  OPSET,
} from "../../src/onnx/index.ts";

const BUILDERS = new URL("../../src/onnx/", import.meta.url);
const CASES = new URL("../numerics/autodiff/", import.meta.url);

/** What the page needs of the gradient tests' cases. */
interface TestedCase {
  readonly op: string;
  /** 1 = first derivatives only; default 2. */
  readonly order?: 1 | 2;
}

/** The cases of `tests/numerics/autodiff/cases-*.ts`. */
async function testedCases(): Promise<readonly TestedCase[]> {
  if (!existsSync(CASES)) return [];
  const files = readdirSync(CASES).filter((name) => /^cases-.*\.ts$/.test(name));
  const modules = await Promise.all(
    files.sort().map(async (file) => {
      const url = new URL(file, CASES).href;
      return ((await import(url)) as { CASES: readonly TestedCase[] }).CASES;
    }),
  );
  return modules.flat();
}

/** Public methods of the builder by the operators that their bodies name. */
function builderMethods(): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const file of readdirSync(BUILDERS)
    .filter((name) => name.endsWith("builder.ts"))
    .sort()) {
    const text = readFileSync(new URL(file, BUILDERS), "utf8");
    // Prettier puts a method's head at two spaces and its closing brace there, too.
    for (const [, name = "", body = ""] of text.matchAll(
      /^ {2}(\w+)(?:<\w+>)?(\([\s\S]*?)^ {2}\}/gm,
    )) {
      for (const [, op = ""] of body.matchAll(/"([A-Z]\w*)"/g)) {
        const key = body.includes(`domain: "com.microsoft"`) ? `com.microsoft.${op}` : op;
        const known = methods.get(key) ?? [];
        if (!known.includes(name)) methods.set(key, [...known, name]);
      }
    }
  }
  return methods;
}

function opsetWords(op: string): string {
  if (op.includes(".")) return "any";
  const first = Math.max(OLDEST_OPSET, introducedIn(op));
  const range = first === NEWEST_OPSET ? `${first}` : `${first} to ${NEWEST_OPSET}`;
  const older = olderFormUntil(op);
  return older === undefined || older < first ? range : `${range}; upgraded up to ${older}`;
}

function gradientWords(op: string): string {
  if (DIFFERENTIABLE_OPS.includes(op)) return "yes";
  const dot = op.lastIndexOf(".");
  const [domain, opType] = [op.slice(0, Math.max(0, dot)), op.slice(dot + 1)];
  const node = { name: op, domain, opType, inputs: [], outputs: [], attributes: {} };
  return vjpRuleOf(node) === undefined ? "" : "zero";
}

function testedWords(op: string, cases: readonly TestedCase[]): string {
  const own = cases.filter((one) => one.op === op);
  if (own.length === 0) return "";
  return own.some(({ order = 2 }) => order === 2) ? "first and second" : "first";
}

function table(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number): number =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(width(i))).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(head.map((_, i) => "-".repeat(width(i)))), ...body.map(line)];
}

export async function opsPage(): Promise<string> {
  const cases = await testedCases();
  const methods = builderMethods();
  const operators = [...new Set([...KNOWN_OPS, ...DIFFERENTIABLE_OPS])].sort();
  const head = ["operator", "builder", "shape", "gradient", "computed on import", "operator sets"];
  const withTests = (row: readonly string[], words: string): readonly string[] =>
    cases.length === 0 ? row : [...row.slice(0, 4), words, ...row.slice(4)];
  const rows = operators.map((op) => {
    const built = (methods.get(op) ?? []).map((name) => `\`${name}\``).join(", ");
    const shape = KNOWN_OPS.includes(op) ? "yes" : "";
    const folded = EVALUABLE_OPS.includes(op) ? "yes" : "";
    const row = [op, built, shape, gradientWords(op), folded, opsetWords(op)];
    return withTests(row, testedWords(op, cases));
  });
  return [
    "# Operators",
    "",
    "Made by `npm run docs:ops` from the runtime's own tables; `tests/unit/ops-page.test.ts` fails when this",
    "page is stale.",
    "",
    "- **builder**: methods of `GraphBuilder` that emit the operator; `g.op(name, inputs)` emits any.",
    "- **shape**: the result's dtype and shape are inferred and checked while a graph is built or imported.",
    "- **gradient**: `yes` = has a rule; `zero` = constant wherever it has a derivative, so nothing passes.",
    ...(cases.length === 0
      ? []
      : [
          "- **tested**: derivatives compared with central differences of a float64 oracle that shares no code.",
        ]),
    "- **computed on import**: evaluated by `importGraph` where all inputs are known integers.",
    `- **operator sets**: those that \`importGraph\` reads. Graphs are written for ${OPSET} (${NEWEST_OPSET} where an operator needs it).`,
    "",
    `${operators.length} operators, ${DIFFERENTIABLE_OPS.length} with a gradient rule.`,
    "",
    ...table([withTests(head, "tested"), ...rows]),
    "",
  ].join("\n");
}
