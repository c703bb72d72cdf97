import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { resizeWithPad } from "../../../src/package/resize-with-pad.ts";

/** Made by tests/support/resize_golden.py, which says how. */
const { cases } = JSON.parse(
  readFileSync(new URL("resize-with-pad.golden.json", import.meta.url), "utf8"),
) as {
  cases: {
    from: [number, number];
    to: [number, number];
    pad: "before" | "both";
    values: number[];
  }[];
};

describe("resizeWithPad()", () => {
  it.each(cases.map((golden) => [golden.from, golden.to, golden.pad, golden] as const))(
    "does what OpenCV does: %j into %j, padded %s",
    (_from, _to, pad, golden) => {
      const [height, width] = golden.from;
      const length = 3 * height * width;
      const data = Float32Array.from({ length }, (_, i) => ((i * 37) % 101) / 100);
      const size = { height: golden.to[0], width: golden.to[1], pad };
      const got = resizeWithPad(data, { channels: 3, height, width }, size);
      expect([...got]).toEqual(golden.values.map((value) => expect.closeTo(value, 5)));
    },
  );

  it("leaves an image that fits as it is", () => {
    const data = Float32Array.from({ length: 12 }, (_, i) => i);
    const same = { height: 2, width: 2, pad: "both" } as const;
    expect(resizeWithPad(data, { channels: 3, height: 2, width: 2 }, same)).toEqual(data);
  });
});
