/** Matrix products. */
import type { OpCall, Operand, OpRule, StaticDim } from "./rule.ts";
import { broadcast, intAttribute, operand, refuse, sameElementType, typeWords } from "./rule.ts";
import { stringAttribute } from "./rule.ts";

/** An operand of rank 1 is a row on the left, a column on the right, and that axis is dropped again. */
const matmul: OpRule = (call) => {
  const [a, b] = [operand(call, 0), operand(call, 1)];
  const words = `inputs are ${typeWords(a)} and ${typeWords(b)}`;
  if (a.shape.length === 0 || b.shape.length === 0) refuse(call, words, "must have rank 1 or more");
  const left = a.shape.length === 1 ? [1, ...a.shape] : a.shape;
  const right = b.shape.length === 1 ? [...b.shape, 1] : b.shape;
  const [product] = productOf(call, [
    { ...a, shape: left },
    { ...b, shape: right },
  ]);
  const [rows = 1, columns = 1] = product?.shape.slice(-2) ?? [];
  const kept = [
    ...(a.shape.length === 1 ? [] : [rows]),
    ...(b.shape.length === 1 ? [] : [columns]),
  ];
  const lead = product?.shape.slice(0, -2) ?? [];
  return [{ elementType: a.elementType, shape: [...lead, ...kept] }];
};

const fusedMatmul: OpRule = (call) => {
  const flipped = (index: number, name: string): Operand => {
    const value = operand(call, index);
    const [last, before] = [value.shape.at(-1), value.shape.at(-2)];
    if (last === undefined || before === undefined) {
      return refuse(call, `an input is ${typeWords(value)}`, "must have rank 2 or more");
    }
    const flip = intAttribute(call, name, 0) === 1;
    return flip ? { ...value, shape: [...value.shape.slice(0, -2), last, before] } : value;
  };
  if (intAttribute(call, "transBatchA", 0) + intAttribute(call, "transBatchB", 0) > 0) {
    refuse(call, "transBatchA or transBatchB is set", "must not be");
  }
  return productOf(call, [flipped(0, "transA"), flipped(1, "transB")]);
};

/** Of operands of rank 2 and more. */
function productOf(call: OpCall, [a, b]: readonly [Operand, Operand]): ReturnType<OpRule> {
  const elementType = sameElementType(call, [a, b]);
  const [rows = 1, inner] = a.shape.slice(-2);
  const [innerB, columns = 1] = b.shape.slice(-2);
  if (inner !== innerB) {
    refuse(call, `inputs are ${typeWords(a)} and ${typeWords(b)}`, "inner dimensions must agree");
  }
  const lead = broadcast(call, [
    { elementType, shape: a.shape.slice(0, -2) },
    { elementType, shape: b.shape.slice(0, -2) },
  ]);
  return [{ elementType, shape: [...lead, rows, columns] }];
}

const gemm: OpRule = (call) => {
  const [a, b] = [operand(call, 0), operand(call, 1)];
  const words = `inputs are ${typeWords(a)} and ${typeWords(b)}`;
  if (a.shape.length !== 2 || b.shape.length !== 2) refuse(call, words, "must be matrices");
  const flip = (shape: readonly StaticDim[], name: string): readonly StaticDim[] =>
    intAttribute(call, name, 0) === 1 ? [...shape].reverse() : shape;
  const [rows = 1, inner] = flip(a.shape, "transA");
  const [innerB, columns = 1] = flip(b.shape, "transB");
  if (inner !== innerB) refuse(call, words, "inner dimensions must agree");
  const elementType = sameElementType(call, [a, b]);
  const result = { elementType, shape: [rows, columns] };
  const bias = call.inputs[2];
  if (bias !== undefined) broadcast(call, [result, bias]);
  return [result];
};

/** The letters of every input and of the result; `...` stands for the axes that the letters leave over. */
export function einsumTerms(equation: string): { inputs: string[]; output: string } {
  const [left = "", right] = equation.replaceAll(" ", "").split("->");
  const inputs = left.split(",");
  if (right !== undefined) return { inputs, output: right };
  // Without an arrow the result has the letters that occur once, in alphabetical order.
  const letters = [...left.replace(/[^A-Za-z]/g, "")].sort();
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter));
  return { inputs, output: (left.includes("...") ? "..." : "") + once.join("") };
}

const einsum: OpRule = (call) => {
  const inputs = call.inputs.map((_, i) => operand(call, i));
  const equation = stringAttribute(call, "equation", "");
  const terms = einsumTerms(equation);
  const words = `inputs are ${inputs.map(typeWords).join(", ")} for "${equation}"`;
  if (terms.inputs.length !== inputs.length) refuse(call, words, "must be as many as terms");
  const dims = new Map<string, StaticDim>();
  const ellipses: StaticDim[][] = [];
  for (const [i, { shape }] of inputs.entries()) {
    const [before = "", after] = (terms.inputs[i] ?? "").split("...");
    const named = before.length + (after?.length ?? 0);
    if (after === undefined ? named !== shape.length : named > shape.length) {
      refuse(call, words, "must have an axis for every letter");
    }
    const rest = shape.length - named;
    ellipses.push(shape.slice(before.length, before.length + rest));
    for (const [k, letter] of [...before, ...(after ?? "")].entries()) {
      const dim = shape[k < before.length ? k : k + rest] ?? 1;
      const have = dims.get(letter) ?? 1;
      if (have !== dim && have !== 1 && dim !== 1) {
        refuse(call, words, `axes called ${letter} must agree`);
      }
      dims.set(letter, have === 1 ? dim : have);
    }
  }
  const elementType = sameElementType(call, inputs);
  const open = broadcast(
    call,
    ellipses.map((shape) => ({ elementType, shape })),
  );
  const [before = "", after] = terms.output.split("...");
  const dimsOf = (letters: string): StaticDim[] =>
    [...letters].map(
      (letter) => dims.get(letter) ?? refuse(call, words, `${letter} must be in a term`),
    );
  const middle = after === undefined ? [] : open;
  return [{ elementType, shape: [...dimsOf(before), ...middle, ...dimsOf(after ?? "")] }];
};

export const LINEAR_RULES: Readonly<Record<string, OpRule>> = {
  MatMul: matmul,
  Gemm: gemm,
  Einsum: einsum,
  "com.microsoft.FusedMatMul": fusedMatmul,
};
