import { describe, expect, it } from "vitest";
import { decodePng } from "../../../../../src/episode/png.ts";
import { materialParts } from "../../../../../sim-bridge/sims/tabletop/materials.ts";

describe("materialParts()", () => {
  it("gives wood as a picture of grain: every row is smooth along it, rows differ", () => {
    const { files } = materialParts("table_wood");
    const { width, height, channels, data } = decodePng(files["table_wood.png"]!);
    expect([width, height, channels]).toEqual([256, 256, 3]);
    const at = (row: number, column: number): number => data[3 * (row * width + column)]!;
    let along = 0;
    let across = 0;
    for (let i = 0; i < height - 1; i++) {
      along += Math.abs(at(i, 100) - at(i, 101));
      across += Math.abs(at(i, 100) - at(i + 1, 100));
    }
    expect(across).toBeGreaterThan(2 * along);
  });

  it("refuses unknown names", () => {
    expect(() => materialParts("plaid")).toThrow(/there is none named "plaid"/);
  });
});
