import { describe, expect, it } from "vitest";
import { wilsonInterval } from "../../../../../src/math/index.ts";
import type { ChartDefinition } from "../../../../../src/viewer/app/training/charts.ts";
import { chartsFor } from "../../../../../src/viewer/app/training/charts.ts";
import { byKind, parseRow } from "../../../../../src/viewer/app/training/rows.ts";
import { axisOf } from "../../../../../src/viewer/app/training/series.ts";

const rowsOf = (...rows: object[]): ReturnType<typeof byKind> =>
  byKind(rows.map((row) => parseRow(JSON.stringify({ epoch: 0, ...row }))!));
const axis = axisOf("update", 0);
const RUN = rowsOf(
  {
    kind: "train",
    step: 1,
    loss: 4,
    rate: 1e-4,
    grad_norm: 2,
    wait_ms: 10,
    step_ms: 100,
    cpu_ms: 90,
  },
  {
    kind: "train",
    step: 2,
    loss: 2,
    rate: 2e-4,
    grad_norm: 1,
    wait_ms: 50,
    step_ms: 100,
    cpu_ms: 90,
  },
  { kind: "validation", step: 2, loss: 3 },
  { kind: "evaluation", step: 2, success_rate: 0.25, successes: 7, scored: 28 },
);

function chart(id: string, rows = RUN): ChartDefinition {
  return chartsFor([rows]).find((definition) => definition.id === id)!;
}
function read(id: string, at: { x: number; short?: boolean; smoothing?: number }): string {
  const { smoothing = 0, short = false, x } = at;
  const definition = chart(id);
  return definition.read(definition.curves({ rows: RUN, axis, smoothing }), { x, short });
}

describe("chartsFor()", () => {
  it("has a success rate where worlds were asked, and further objectives last", () => {
    expect(chartsFor([RUN]).map(({ id }) => id)).toEqual([
      "loss",
      "success",
      "rate",
      "gradient",
      "time",
    ]);
    const two = rowsOf({ kind: "train", step: 1, loss: 3, action: 1, value: 2 });
    expect(chartsFor([two]).map(({ id }) => id)).toEqual([
      "loss",
      "rate",
      "gradient",
      "time",
      "action",
      "value",
    ]);
    const one = rowsOf({ kind: "train", step: 1, loss: 3, action: 3 });
    expect(chartsFor([one]).map(({ id }) => id)).not.toContain("action");
    expect(chartsFor([rowsOf()]).map(({ id }) => id)).toContain("loss");
  });

  it("reads out values at the nearest place", () => {
    expect(read("loss", { x: 1.2 })).toBe("4 · held out 3");
    expect(read("loss", { x: 1e9 })).toBe("2 · held out 3");
    expect(read("loss", { x: 2, short: true })).toBe("2");
    // (0.5 * 4 + 2) / 1.5
    expect(read("loss", { x: 2, short: true, smoothing: 0.5 })).toBe("2.667");
    expect(read("rate", { x: 2 })).toBe("2.00e-4");
    expect(read("gradient", { x: 1 })).toBe("2");
    expect(read("time", { x: 2 })).toBe("100 ms · 50 % waiting");
    const { low, high } = wilsonInterval(7, 28);
    const ends = `${Math.round(100 * low)}–${Math.round(100 * high)} %`;
    expect(read("success", { x: 2 })).toBe(`25 % · 7/28 · ${ends}`);
  });

  it("has intervals where every evaluation wrote its counts", () => {
    const curves = (rows: typeof RUN) =>
      chart("success", rows).curves({ rows, axis, smoothing: 0 });
    expect(curves(RUN)[0]?.interval?.low[0]).toBe(wilsonInterval(7, 28).low);
    const without = rowsOf({ kind: "evaluation", step: 2, success_rate: 0.25 });
    expect(curves(without)[0]).not.toHaveProperty("interval");
  });
});
