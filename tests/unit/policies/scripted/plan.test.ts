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

  it("shuts a drawer after it was filled, but before others are opened", () => {
    const filled = [
      ["Close", "bottom"],
      ["In", "bowl", "bottom"],
    ];
    expect(orderAtoms(filled).map(([predicate]) => predicate)).toEqual(["in", "close"]);
    const other = [
      ["Close", "bottom"],
      ["Open", "top"],
    ];
    expect(orderAtoms(other).map(([predicate]) => predicate)).toEqual(["close", "open"]);
  });

  it("survives a goal that goes in circles", () => {
    const goal = [
      ["on", "a", "b"],
      ["on", "b", "a"],
    ];
    expect(orderAtoms(goal)).toHaveLength(2);
  });
});
