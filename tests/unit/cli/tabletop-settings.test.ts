import { describe, expect, it } from "vitest";
import { tabletopWorld } from "../../../sim-bridge/sims/tabletop/index.ts";
import { createSimulator } from "../../../src/cli/registry.ts";
import { tabletopImages } from "../../../src/cli/tabletop-settings.ts";

const { images } = tabletopWorld();

describe("settings of the tabletop", () => {
  it("give both cameras the side that is asked for, and none at 0", () => {
    expect(tabletopImages(images, {})).toEqual(images);
    const small = tabletopImages(images, { image_size: "64" });
    expect(small.map(({ name, height, width }) => [name, height, width])).toEqual([
      ["front", 64, 64],
      ["wrist", 64, 64],
    ]);
    expect(tabletopImages(images, { image_size: "0" })).toEqual([]);
  });

  it.each(["", "-1", "6.4", "64px", "12345"])("refuse %j", async (size) => {
    await expect(createSimulator("tabletop", { image_size: size })).rejects.toThrow(
      `Cannot set image_size of tabletop: it is "${size}", must be a whole number`,
    );
    await expect(createSimulator("libero", { image_size: size })).rejects.toThrow(
      `Cannot set image_size of libero: it is "${size}", must be a whole number`,
    );
  });
});
