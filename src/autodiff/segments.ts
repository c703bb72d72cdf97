/**
 * Segments of a graph that are computed again for the backward sweep instead of being kept for it: memory for
 * the activations of one segment at a time, for the price of a second forward pass (Chen et al. 2016,
 * arXiv:1604.06174). A segment is a scope in the names of its nodes, so it survives being written to a file.
 */
import type { BuiltNode, GraphBuilder, Value } from "../onnx/index.ts";
import { shapeValue, STOP_GRADIENT } from "./rules/rule.ts";

const MARK = "rematerialised";

/** Operators that would give other numbers the second time. */
const RANDOM_OPS: ReadonlySet<string> = new Set([
  ..."RandomNormal RandomUniform RandomNormalLike RandomUniformLike Bernoulli Multinomial".split(
    " ",
  ),
  "Dropout",
]);

/**
 * Builds a part of the graph whose inner values the backward sweep computes again. Numbers do not change.
 * Worth it for parts that are large inside and small at their ends, such as a transformer block.
 * @param name of the segment; unique in the scope
 * @throws {RangeError} if the name is taken
 */
export function rematerialised<T>(g: GraphBuilder, name: string, make: () => T): T {
  return g.scope(MARK, () =>
    g.scope(name, () => {
      const before = g.nodes.length;
      const made = make();
      const added = g.nodes[before];
      const taken = g.nodes.slice(0, before).map(segmentOf);
      if (added !== undefined && taken.includes(segmentOf(added))) {
        throw new RangeError(`Cannot mark segment "${name}": the name is taken, must be unique`);
      }
      return made;
    }),
  );
}

/** The outermost segment of a node; `undefined` = its values are kept. */
export function segmentOf({ name }: BuiltNode): string | undefined {
  const path = name.split("/");
  const at = path.indexOf(MARK);
  return at < 0 || at + 2 >= path.length ? undefined : path.slice(0, at + 2).join("/");
}

/** A segment a second time. */
export interface Twin {
  readonly nodes: readonly BuiltNode[];
  /** What stands for a value of the segment, or for one it takes from outside, among the new nodes. */
  readonly of: ReadonlyMap<Value, Value>;
}

/**
 * Emits the nodes of a segment again, to run no earlier than all of `after` is there: that saves memory, and is
 * what keeps the engine from seeing two equal computations and doing one.
 * @throws {TypeError} for nodes that draw random numbers, or whose subgraphs use values from outside
 */
export function recompute(
  g: GraphBuilder,
  segment: readonly BuiltNode[],
  after: readonly Value[],
): Twin {
  const of = new Map<Value, Value>();
  const inside = new Set(segment.flatMap(({ outputs }) => outputs));
  return g.scope("recomputed", () => {
    const zero = zeroAfter(g, after);
    for (const input of segment.flatMap(({ inputs }) => inputs)) {
      // Parameters are not computed, so nothing is gained by holding them back.
      if (input === undefined || input.constant !== undefined) continue;
      if (!inside.has(input) && !of.has(input)) of.set(input, heldBack(g, input, zero));
    }
    const nodes = segment.map((node) => again(g, node, of));
    return { nodes, of };
  });
}

/** The integer 0, which the engine cannot know before all `values` are computed. */
function zeroAfter(g: GraphBuilder, values: readonly Value[]): Value {
  const odd = values.map((value) => g.one("IsNaN", [firstOf(g, value)]));
  const never = g.constant({ dtype: "bool", shape: [1], data: Uint8Array.of(0) });
  return g.cast(
    odd.reduce((all, one) => g.and(all, one), never),
    "int64",
  );
}

/** The first number; 0 where there is none. */
function firstOf(g: GraphBuilder, value: Value): Value {
  const { elementType } = value;
  const typed = (length: string) => ({ outputTypes: [{ elementType, shape: [length] }] });
  const numbers = g.one("Reshape", [value, g.ints([-1])], typed("numbers"));
  const first = g.one("Slice", [numbers, g.ints([0]), g.ints([1])], typed("first"));
  return g.reduceSum(first, [0], true);
}

/** `x` in its own shape, which is computed: the engine moves no data for it. */
function heldBack(g: GraphBuilder, x: Value, zero: Value): Value {
  const shape = g.add(x.shape.length === 0 ? g.ints([]) : shapeValue(g, x), zeroFor(g, x, zero));
  const { elementType } = x;
  const attributes = { allowzero: 1 };
  return g.one("Reshape", [x, shape], {
    attributes,
    outputTypes: [{ elementType, shape: x.shape }],
  });
}

/** For a scalar there is no dimension to add 0 to, so the shape is an empty part of it. */
function zeroFor(g: GraphBuilder, x: Value, zero: Value): Value {
  if (x.shape.length > 0) return zero;
  const options = { outputTypes: [{ elementType: "int64", shape: [0] }] } as const;
  return g.one("Slice", [zero, g.ints([1]), g.ints([2])], options);
}

function again(g: GraphBuilder, node: BuiltNode, of: Map<Value, Value>): BuiltNode {
  const { opType, domain, attributes, name } = node;
  if (RANDOM_OPS.has(opType)) {
    throw new TypeError(
      `Cannot compute ${opType} "${name}" again: it draws random numbers, must stand outside of segments`,
    );
  }
  if (node.captures !== undefined) {
    // Subgraphs name what they use; they would go on using the first values.
    throw new TypeError(
      `Cannot compute ${opType} "${name}" again: its subgraphs use values from outside, must stand outside of segments`,
    );
  }
  const inputs = node.inputs.map((input) =>
    input === undefined ? undefined : (of.get(input) ?? input),
  );
  const options = {
    attributes,
    domain,
    outputCount: node.outputs.length,
    outputTypes: node.outputs,
  };
  const stopped = name.split("/").at(-2) === STOP_GRADIENT;
  const emit = (): Value[] => g.op(opType, inputs, options);
  const outputs = stopped ? g.scope(STOP_GRADIENT, emit) : emit();
  for (const [i, value] of outputs.entries()) {
    const original = node.outputs[i];
    if (original !== undefined) of.set(original, value);
  }
  const [first] = outputs;
  return (first === undefined ? undefined : g.producerOf(first)) ?? node;
}
