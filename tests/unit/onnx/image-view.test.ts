import { describe, expect, it } from "vitest";
import { seeded } from "../../../src/core/index.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import type { ImageView } from "../../../src/onnx/layers/index.ts";
import { viewed } from "../../../src/onnx/layers/index.ts";
import { hostArray, openLocalSession } from "../../../src/session/index.ts";
import { augmentInto, cropped, NO_AUGMENTATION } from "../../../src/train/data/augment.ts";
import { createResizer } from "../../../src/train/data/resize.ts";

const SHOWN = { height: 12, width: 18, channels: 3 } as const;

function graph(view: ImageView): GraphBuilder {
  const g = new GraphBuilder("view");
  const x = g.input("x", "uint8", [1, SHOWN.height, SHOWN.width, 3]);
  g.output("y", g.cast(viewed(g, x, view), "float32"));
  return g;
}

describe("viewed()", () => {
  it.each<[string, ImageView]>([
    ["the image itself", {}],
    ["a smaller one", { resize: { height: 4, width: 9 } }],
    ["its centre", { crop: { height: 7, width: 11 } }],
    [
      "the centre of a smaller one",
      { resize: { height: 6, width: 9 }, crop: { height: 5, width: 4 } },
    ],
  ])("is what held-out batches hold: %s", async (_, view) => {
    const rng = seeded("image");
    const data = Uint8Array.from({ length: 12 * 18 * 3 }, () => rng.int(256));
    const smaller = createResizer(SHOWN, view.resize ?? SHOWN).resize({ ...SHOWN, data });
    const from = { height: smaller.height, width: smaller.width, channels: 3 };
    const shape = { ...from, ...view.crop };
    const change = cropped(NO_AUGMENTATION, { from, shape }, undefined);
    const wanted = new Uint8Array(shape.height * shape.width * 3);
    augmentInto(wanted, smaller.data, { from, shape, change });

    await using session = await openLocalSession(writeModel(graph(view).build()));
    const shown = { dtype: "uint8", shape: [1, 12, 18, 3], data } as const;
    const seen = hostArray((await session.run({ x: shown })).outputs, "y");
    expect(seen.shape).toEqual([1, shape.height, shape.width, 3]);
    // A mean that ends in .5 is rounded up there, to even here.
    const apart = [...wanted].filter((value, i) => Math.abs(value - Number(seen.data[i])) > 0);
    for (const [i, value] of wanted.entries()) {
      expect(Math.abs(value - Number(seen.data[i]))).toBeLessThanOrEqual(1);
    }
    expect(apart.length / wanted.length).toBeLessThan(0.2);
  });

  it("refuses what is no whole multiple, or larger than the image", () => {
    expect(() => graph({ resize: { height: 5, width: 9 } })).toThrow(
      /image of 18 x 12 smaller by 2 x 2.4: must be whole multiples/,
    );
    expect(() => graph({ crop: { height: 13, width: 4 } })).toThrow(
      /13 pixels of 12, must be at most as many/,
    );
  });
});
