import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Dtype } from "../../../src/core/index.ts";
import {
  allocate,
  assertModel,
  checkModel,
  externalFiles,
  GraphBuilder,
  printGraph,
  readModel,
  writeModel,
} from "../../../src/onnx/index.ts";
import type { Attribute, Model, Node, Tensor } from "../../../src/onnx/index.ts";

const f32 = (shape: number[], values: number[]) =>
  ({ dtype: "float32", shape, data: Float32Array.from(values) }) as const;

function mlp(): Model {
  const g = new GraphBuilder("mlp");
  const x = g.input("x", "float32", ["batch", 3]);
  const hidden = g.scope("hidden", () =>
    g.tanh(
      g.linear(
        x,
        g.parameter("w", f32([3, 2], [1, 2, 3, 4, 5, 6])),
        g.parameter("b", f32([2], [7, 8])),
      ),
    ),
  );
  g.output("y", g.mul(hidden, 0.5));
  return g.build();
}

function bareModel(
  change: Partial<Model["graph"]>,
  opsets: Record<string, number> = { "": 21 },
): Model {
  const { graph } = mlp();
  return { ...mlp(), opsets, graph: { ...graph, ...change } };
}

const node = (change: Partial<Node>): Node => ({
  name: "n",
  opType: "Relu",
  domain: "",
  inputs: ["x"],
  outputs: ["y"],
  attributes: {},
  ...change,
});

// A graph of one Relu from x to y, as the `onnx` Python package 1.23.2 serialises it (opset 21, IR 10).
const PYTHON_RELU =
  "080a1206707974686f6e3a480a0c0a0178120179220452656c75120472656c755a180a017812130a110801120d0a07120562" +
  "617463680a02080262180a017912130a110801120d0a07120562617463680a02080242040a001015";

describe("writeModel() and readModel()", () => {
  it("bring a built model back unchanged", () => {
    expect(readModel(writeModel(mlp()))).toEqual(mlp());
  });

  it("write equal models as equal bytes, whatever the order of attributes", () => {
    const attributes: Record<string, Attribute> = {
      b: { kind: "int", value: 1 },
      a: { kind: "float", value: 2 },
    };
    const swapped = Object.fromEntries(Object.entries(attributes).reverse());
    const bytes = (a: Record<string, Attribute>) =>
      writeModel(bareModel({ nodes: [node({ attributes: a })] }));
    expect(bytes(attributes)).toEqual(bytes(swapped));
  });

  const dtypes: Dtype[] = [
    "bool",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "uint32",
    "int32",
    "uint64",
    "int64",
  ];
  dtypes.push("float16", "bfloat16", "float32", "float64");

  it("keep tensors of every dtype bit for bit, at any alignment", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...dtypes),
        fc.uint8Array({ minLength: 0, maxLength: 40 }),
        fc.string({ maxLength: 9 }),
        (dtype, bytes, name) => {
          const data = allocate(
            dtype,
            Math.floor(bytes.length / allocate(dtype, 1).BYTES_PER_ELEMENT),
          );
          const raw = new Uint8Array(data.buffer);
          raw.set(bytes.subarray(0, raw.length));
          const tensor: Tensor = {
            name: `t${name}`,
            elementType: dtype,
            shape: [data.length],
            payload: { kind: "array", array: { dtype, shape: [data.length], data } },
          };
          const read = readModel(writeModel(bareModel({ initializers: [tensor] }))).graph
            .initializers[0];
          const payload = read?.payload;
          if (payload?.kind !== "array") throw new Error("not an array");
          const back = payload.array.data;
          expect(new Uint8Array(back.buffer, back.byteOffset, back.byteLength)).toEqual(raw);
          expect(read?.shape).toEqual([data.length]);
        },
      ),
    );
  });

  it("keep 64-bit attribute integers exactly", () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), (values) => {
        const ints = values.map((v) => (Number.isSafeInteger(Number(v)) ? Number(v) : v));
        const attributes: Record<string, Attribute> = { a: { kind: "ints", value: ints } };
        const back = readModel(writeModel(bareModel({ nodes: [node({ attributes })] })));
        expect(back.graph.nodes[0]?.attributes).toEqual(attributes);
      }),
    );
  });

  it("keep every kind of attribute, subgraphs and functions", () => {
    const tensor: Tensor = {
      name: "",
      elementType: "string",
      shape: [1],
      payload: { kind: "strings", values: [Uint8Array.of(104, 105)] },
    };
    const attributes: Record<string, Attribute> = {
      float: { kind: "float", value: 0 },
      floats: { kind: "floats", value: [1, 0.5] },
      graph: { kind: "graph", value: mlp().graph },
      graphs: { kind: "graphs", value: [mlp().graph] },
      reference: { kind: "reference", value: "outer", typeCode: 1 },
      string: { kind: "string", value: "é" },
      strings: { kind: "strings", value: ["a", ""] },
      tensor: { kind: "tensor", value: tensor },
      tensors: { kind: "tensors", value: [tensor, tensor] },
    };
    const model: Model = {
      ...bareModel({ nodes: [node({ attributes, domain: "com.example" })] }),
      metadata: { a: "1", b: "2" },
      functions: [
        {
          domain: "com.example",
          name: "Twice",
          inputs: ["a"],
          outputs: ["b"],
          attributeNames: ["k"],
          attributeDefaults: { d: { kind: "int", value: -3 } },
          nodes: [node({ inputs: ["a"], outputs: ["b"] })],
          opsets: { "": 21 },
        },
      ],
    };
    const back = readModel(writeModel(model));
    // protobufjs hands strings back as Buffer views; compare their bytes.
    expect(JSON.parse(JSON.stringify(back, bytesAsList))).toEqual(
      JSON.parse(JSON.stringify(model, bytesAsList)),
    );
  });

  it("read the older encodings of numbers in typed lists", () => {
    // TensorProto { dims: [2], data_type: 1, float_data: packed [1, -2], name: "t" }
    const tensor = "0802100122080000803f000000c0420174";
    expect(initializer(tensor)).toEqual(Float32Array.of(1, -2));
    // TensorProto { dims: [2], data_type: 7 (int64), int64_data: packed [-1, 5], name: "t" }
    const int64 = "080210073a0bffffffffffffffffff0105420174";
    expect(initializer(int64)).toEqual(BigInt64Array.of(-1n, 5n));
    // TensorProto { dims: [2], data_type: 9 (bool), int32_data: packed [1, 0], name: "t" }
    expect(initializer("080210092a020100420174")).toEqual(Uint8Array.of(1, 0));
  });

  it("read what the onnx Python package writes", () => {
    const model = readModel(Uint8Array.from(Buffer.from(PYTHON_RELU, "hex")));
    expect(checkModel(model)).toEqual([]);
    expect(model.graph.nodes).toEqual([node({ name: "" })]);
    expect(model.graph.inputs[0]?.type).toEqual({
      kind: "tensor",
      elementType: "float32",
      shape: ["batch", 2],
    });
    expect(model.opsets).toEqual({ "": 21 });
  });
});

function bytesAsList(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (typeof value === "object" && value !== null && "type" in value && value.type === "Buffer") {
    return (value as unknown as { data: unknown }).data;
  }
  return ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value;
}

/** The only initializer of a model whose TensorProto is given as hex. */
function initializer(tensorHex: string): unknown {
  const tensor = Buffer.from(tensorHex, "hex");
  const graph = Buffer.concat([Buffer.from([0x2a, tensor.length]), tensor]);
  const model = readModel(Buffer.concat([Buffer.from([0x3a, graph.length]), graph]));
  const payload = model.graph.initializers[0]?.payload;
  return payload?.kind === "array" ? payload.array.data : undefined;
}

describe("readModel() of broken bytes", () => {
  it("throws SyntaxError, or leaves a model that the checker refuses, at every cut", () => {
    const bytes = writeModel(mlp());
    for (let cut = 0; cut < bytes.length; cut++) {
      let problems = 1;
      try {
        problems = checkModel(readModel(bytes.subarray(0, cut))).length;
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
      }
      expect(problems, `cut at ${cut}`).toBeGreaterThan(0);
    }
  });

  it("throws nothing but SyntaxError on any flipped byte", () => {
    const bytes = writeModel(mlp());
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const broken = Uint8Array.from(bytes);
        broken[at] = (broken[at] ?? 0) ^ flip;
        try {
          printGraph(readModel(broken));
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["nothing", new Uint8Array(), "it has no graph"],
    ["text", new TextEncoder().encode("<html>not a model</html>"), "Cannot read ONNX model"],
    ["a tensor with too few bytes", hex("3a0c2a0a080210014a0400000000"), "must have 8"],
    ["an unknown element type", hex("3a062a0408001063"), "element type is code 99"],
  ])("names what is wrong with %s", (_, bytes, message) => {
    expect(() => readModel(bytes)).toThrow(SyntaxError);
    expect(() => readModel(bytes)).toThrow(message);
  });

  it("does not overflow the stack on deeply nested graphs", () => {
    let inner = Buffer.from([]);
    for (let depth = 0; depth < 20_000 && inner.length < 300_000; depth++) {
      // GraphProto.node { attribute { g: inner } }
      inner = wrap(0x0a, wrap(0x2a, wrap(0x32, inner)));
    }
    expect(() => readModel(wrap(0x3a, inner))).toThrow(SyntaxError);
  });
});

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}

function wrap(tag: number, body: Buffer): Buffer<ArrayBuffer> {
  const length: number[] = [];
  for (let rest = body.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

describe("external data", () => {
  const stored = (location: string): Model =>
    bareModel({
      initializers: [
        {
          name: "w",
          elementType: "float32",
          shape: [4],
          payload: { kind: "external", location, offset: 4096, length: 16 },
        },
      ],
    });

  it("is named, with offset and length, and not read", () => {
    const model = readModel(writeModel(stored("weights/a.bin")));
    expect(externalFiles(model)).toEqual(["weights/a.bin"]);
    expect(model.graph.initializers).toEqual(stored("weights/a.bin").graph.initializers);
  });

  const escapes = [
    "/etc/passwd",
    "../secret",
    "a/../../b",
    "a//b",
    "./a",
    "",
    "C:\\x",
    "a\\b",
    "a\0b",
    "c:x",
  ];
  it.each(escapes)("is refused at %j", (location) => {
    expect(() => writeModel(stored(location))).toThrow(SyntaxError);
    // The same, where the bytes come from elsewhere: a location of equal length patched in.
    const safe = "s".repeat(Math.max(1, new TextEncoder().encode(location).length));
    if (location === "") return;
    const bytes = Buffer.from(writeModel(stored(safe)));
    bytes.write(location, bytes.indexOf(safe), "utf8");
    expect(() => readModel(bytes)).toThrow(/must be a relative path inside the model's folder/);
  });
});

describe("checkModel()", () => {
  it("finds nothing in a built model", () => {
    expect(checkModel(mlp())).toEqual([]);
  });

  it.each<[string, Model, string]>([
    ["no operator set", bareModel({}, {}), "importing no operator set"],
    ["no output", bareModel({ outputs: [] }), "without outputs"],
    ["an output that nothing makes", bareModel({ nodes: [] }), "made by no node"],
    [
      "nodes out of order",
      bareModel({ nodes: [...mlp().graph.nodes].reverse() }),
      "before it is made",
    ],
    [
      "a cycle, by its path",
      bareModel({
        nodes: [
          node({ name: "a", inputs: ["x", "u"], outputs: ["y"], opType: "Add" }),
          node({ name: "b", inputs: ["y"], outputs: ["t"] }),
          node({ name: "c", inputs: ["t"], outputs: ["u"] }),
        ],
      }),
      'cyclic: "a" -> "b" -> "c" -> "a"',
    ],
    [
      "mixed dtypes",
      bareModel({
        nodes: [node({ name: "sum", opType: "Add", inputs: ["x", "n"] })],
        initializers: [
          {
            name: "n",
            elementType: "int64",
            shape: [1],
            payload: {
              kind: "array",
              array: { dtype: "int64", shape: [1], data: BigInt64Array.of(1n) },
            },
          },
        ],
      }),
      'on "x", which is float32, and "n", which is int64',
    ],
    ["a value made twice", bareModel({ nodes: [node({}), node({ name: "again" })] }), "made twice"],
    [
      "a domain that is not imported",
      bareModel({ nodes: [node({ domain: "com.microsoft", opType: "Fused" })] }),
      "which is not imported",
    ],
    [
      "a node without operator",
      bareModel({ nodes: [node({ opType: "" })] }),
      "without an operator",
    ],
    [
      "a subgraph that uses an unknown value",
      bareModel({
        nodes: [
          node({
            attributes: {
              body: {
                kind: "graph",
                value: {
                  ...mlp().graph,
                  inputs: [],
                  initializers: [],
                  nodes: [node({ inputs: ["nowhere"] })],
                },
              },
            },
          }),
        ],
      }),
      'using "nowhere"',
    ],
  ])("finds %s", (_, model, words) => {
    expect(checkModel(model).map(({ is }) => is)).toContainEqual(expect.stringContaining(words));
    expect(() => assertModel(model)).toThrow(SyntaxError);
  });

  it("lets subgraphs use values of the graph around them", () => {
    const inner = {
      ...mlp().graph,
      inputs: [],
      initializers: [],
      nodes: [node({ inputs: ["x"], outputs: ["y"] })],
    };
    const body: Attribute = { kind: "graph", value: inner };
    expect(checkModel(bareModel({ nodes: [node({ attributes: { body } })] }))).toEqual([]);
  });
});

describe("printGraph()", () => {
  it("shows inputs, parameters, nodes with their types, and outputs", () => {
    expect(printGraph(mlp())).toMatchInlineSnapshot(`
      "graph mlp  (IR 10; opset ai.onnx 21; by efference)
      inputs (1)
        x  float32[batch, 3]
      parameters (3 tensors, 9 values, 36 bytes)
        hidden/w  float32[3, 2] = 1, 2, 3, 4, 5, 6
        hidden/b  float32[2] = 7, 8
        const     float32[] = 0.5
      nodes (4)
        hidden/Gemm = Gemm(x, hidden/w, hidden/b)  float32[batch, 2]
        hidden/Tanh = Tanh(hidden/Gemm)            float32[batch, 2]
        Mul = Mul(hidden/Tanh, const)              float32[batch, 2]
        y = Identity(Mul)                          float32[batch, 2]
      outputs (1)
        y  float32[batch, 2]
      "
    `);
  });

  it("counts the nodes it leaves out", () => {
    expect(printGraph(mlp(), { maxNodes: 1 })).toContain("... 3 more");
  });
});
