import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GraphBuilder, slidingWindow, transposedWindow } from "../../../../src/onnx/index.ts";
import type { Attributed } from "../../../../src/onnx/index.ts";

const ints = (value: readonly number[]) => ({ kind: "ints", value }) as const;
const text = (value: string) => ({ kind: "string", value }) as const;

function call(opType: string, attributes: Attributed["attributes"]): Attributed {
  return { opType, attributes };
}

const axis = fc.record({
  input: fc.integer({ min: 1, max: 20 }),
  kernel: fc.integer({ min: 1, max: 4 }),
  stride: fc.integer({ min: 1, max: 4 }),
  dilation: fc.integer({ min: 1, max: 3 }),
  begin: fc.integer({ min: 0, max: 3 }),
  end: fc.integer({ min: 0, max: 3 }),
});

describe("slidingWindow()", () => {
  it("counts the positions whose last place is not behind the padding", () => {
    fc.assert(
      fc.property(axis, ({ input, kernel, stride, dilation, begin, end }) => {
        const extent = dilation * (kernel - 1) + 1;
        let count = 0;
        while (count * stride + extent <= begin + input + end) count++;
        const attributes = {
          strides: ints([stride]),
          dilations: ints([dilation]),
          pads: ints([begin, end]),
        };
        const sizes = { input: [input], kernel: [kernel] };
        if (count === 0) {
          expect(() => slidingWindow(call("Conv", attributes), sizes)).toThrow(/must fit/);
        } else {
          expect(slidingWindow(call("Conv", attributes), sizes).output).toEqual([count]);
        }
      }),
    );
  });

  it("gives one position for every stride under SAME, with the odd one at the end of its name", () => {
    fc.assert(
      fc.property(axis, ({ input, kernel, stride, dilation }) => {
        const windows = ["SAME_UPPER", "SAME_LOWER"].map((auto) =>
          slidingWindow(
            call("Conv", {
              auto_pad: text(auto),
              strides: ints([stride]),
              dilations: ints([dilation]),
            }),
            { input: [input], kernel: [kernel] },
          ),
        );
        const [upper, lower] = windows;
        for (const window of windows) expect(window.output).toEqual([Math.ceil(input / stride)]);
        expect([upper?.begins, upper?.ends]).toEqual([lower?.ends, lower?.begins]);
        expect((upper?.ends[0] ?? 0) - (upper?.begins[0] ?? 0)).toBeOneOf([0, 1]);
      }),
    );
  });

  it("with ceil mode has windows that hang over, but none that begins in the padding at the end", () => {
    fc.assert(
      fc.property(axis, ({ input, kernel, stride, begin, end }) => {
        if (Math.max(begin, end) >= kernel || kernel > begin + input + end) return;
        const window = slidingWindow(
          call("MaxPool", {
            strides: ints([stride]),
            pads: ints([begin, end]),
            ceil_mode: { kind: "int", value: 1 },
          }),
          { input: [input], kernel: [kernel] },
        );
        const last = ((window.output[0] ?? 0) - 1) * stride;
        expect(last).toBeLessThan(begin + input);
        // One more would begin behind everything, or was not needed to reach the end.
        const isAll = last + stride >= begin + input || last + kernel >= begin + input + end;
        expect(isAll).toBe(true);
      }),
    );
  });

  it.each([
    [{ auto_pad: text("same") }, 'auto_pad is "same", must be one of NOTSET'],
    [{ strides: ints([1, 1]) }, "strides is [1, 1], must be 1 numbers of 1 or more"],
    [{ strides: ints([0]) }, "strides is [0], must be 1 numbers of 1 or more"],
    [{ pads: ints([-1, 0]) }, "pads is [-1, 0], must be 2 numbers of 0 or more"],
  ])("refuses %j", (attributes, message) => {
    const sizes = { input: [4], kernel: [2] };
    expect(() => slidingWindow(call("Conv", attributes), sizes)).toThrow(message);
  });
});

describe("transposedWindow()", () => {
  it("undoes slidingWindow(), given what a stride left over", () => {
    fc.assert(
      fc.property(axis, ({ input, kernel, stride, dilation, begin, end }) => {
        const extent = dilation * (kernel - 1) + 1;
        const room = begin + input + end - extent;
        if (room < 0) return;
        const attributes = {
          strides: ints([stride]),
          dilations: ints([dilation]),
          pads: ints([begin, end]),
        };
        const forward = slidingWindow(call("Conv", attributes), {
          input: [input],
          kernel: [kernel],
        });
        const back = transposedWindow(
          call("ConvTranspose", { ...attributes, output_padding: ints([room % stride]) }),
          { input: forward.output, kernel: [kernel] },
        );
        expect(back).toEqual(forward);
      }),
    );
  });

  it("refuses output padding that reaches a stride", () => {
    const attributes = { output_padding: ints([2]), strides: ints([2]) };
    const sizes = { input: [4], kernel: [2] };
    expect(() => transposedWindow(call("ConvTranspose", attributes), sizes)).toThrow(
      "output_padding is [2], must be below the strides",
    );
  });
});

describe("GraphBuilder, for networks, refuses", () => {
  const g = new GraphBuilder("test");
  const image = g.input("image", "float32", ["batch", 4, 8, 8]);
  const tokens = g.input("tokens", "float32", ["batch", 6, 8]);
  const labels = g.input("labels", "int64", ["batch"]);
  const of = (...shape: number[]) =>
    g.constant({
      dtype: "float32",
      shape,
      data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
    });

  it.each<[string, () => unknown, string]>([
    [
      "a bias of another length",
      () => g.conv(image, of(2, 4, 1, 1), { bias: of(3) }),
      "must be [2]",
    ],
    [
      "filters that groups do not share",
      () => g.conv(image, of(3, 2, 1, 1), { group: 2 }),
      "channels must agree",
    ],
    [
      "transposed filters of another depth",
      () => g.convTranspose(image, of(3, 2, 1, 1)),
      "channels must agree",
    ],
    ["neither scales nor sizes", () => g.resize(image, {}), "must be given"],
    [
      "scales for some axes",
      () => g.resize(image, { scales: [2, 2] }),
      "2 numbers are given, must be 4",
    ],
    [
      "groups that do not divide",
      () => g.groupNorm(image, { scale: of(4), bias: of(4) }, { groups: 3 }),
      "must divide 4",
    ],
    [
      "a scale for other channels",
      () => g.instanceNorm(image, { scale: of(3), bias: of(4) }),
      "must be [4]",
    ],
    ["more than there are", () => g.topK(tokens, 9), "k is 9, must be in [0, 8]"],
    [
      "labels of another shape",
      () => g.crossEntropy(tokens, labels),
      "must be [batch, classes, ...] and [batch, ...]",
    ],
    [
      "heads that do not divide",
      () => g.attention({ q: tokens, k: tokens, v: tokens }, { heads: 3 }),
      "must be 3 * width",
    ],
    [
      "a causal mask of unknown length",
      () => {
        const fresh = new GraphBuilder("long");
        const x = fresh.input("x", "float32", [1, 2, "length", 4]);
        return fresh.attention({ q: x, k: x, v: x }, { causal: true });
      },
      "must have numbers at the end",
    ],
    [
      "cached keys",
      () => g.one("Attention", [image, image, image, undefined, image]),
      "past keys are given",
    ],
    [
      "a matrix for another axis",
      () => g.mapAxis(image, 2, { dtype: "float32", shape: [2, 3], data: new Float32Array(6) }),
      "must fit",
    ],
  ])("%s", (_, build, message) => {
    expect(build).toThrow(TypeError);
    expect(build).toThrow(message);
  });

  it("nothing that opset 21 has not, but writes for the opset that has it", () => {
    const fresh = new GraphBuilder("newer");
    const x = fresh.input("x", "float32", [1, 2, 3, 4]);
    fresh.output("y", fresh.one("Attention", [x, x, x]));
    expect(fresh.build().opsets).toEqual({ "": 23 });
  });
});
