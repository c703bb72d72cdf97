import { describe, expect, it } from "vitest";
import { orderAtoms } from "../../../../policies/scripted/plan.ts";

describe("orderAtoms()", () => {
  it("keeps the goal's own order and drops what needs no work", () => {
    const goal = [
      ["In", "cube", "drawer"],
      ["Close", "drawer"],
      ["Released", "cube"],
    ];
    expect(orderAtoms(goal)).toEqual([
      ["in", "cube", "drawer"],
      ["close", "drawer"],
    ]);
  });

  it("builds stacks from the bottom", () => {
    const goal = [
      ["on", "top", "middle"],
      ["on", "middle", "bottom"],
      ["at", "bottom", "zone"],
    ];
    expect(orderAtoms(goal).map(([, name]) => name)).toEqual(["bottom", "middle", "top"]);
  });

  it("survives a goal that goes in circles", () => {
    const goal = [
      ["on", "a", "b"],
      ["on", "b", "a"],
    ];
    expect(orderAtoms(goal)).toHaveLength(2);
  });
});
