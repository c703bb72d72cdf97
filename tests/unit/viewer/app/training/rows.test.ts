import { describe, expect, it } from "vitest";
import type { Row } from "../../../../../src/viewer/app/training/rows.ts";
import { bestOf, byKind, parseRow } from "../../../../../src/viewer/app/training/rows.ts";

const row = (kind: Row["kind"], step: number, values: Record<string, number>): Row => ({
  kind,
  step,
  epoch: step / 100,
  elapsedS: step,
  values,
});

describe("parseRow()", () => {
  it("reads a line as a run writes it", () => {
    const line =
      '{"kind":"train","step":20,"epoch":0.014,"elapsed_s":8.2,"loss":0.66,"grad_norm":7.3}';
    expect(parseRow(line)).toEqual({
      kind: "train",
      step: 20,
      epoch: 0.014,
      elapsedS: 8.2,
      values: { loss: 0.66, grad_norm: 7.3 },
    });
  });

  it("takes null for NaN, and leaves out what is no number", () => {
    const read = parseRow('{"kind":"validation","step":1,"epoch":0,"loss":null,"note":"x"}');
    expect(read).toMatchObject({ elapsedS: NaN, values: { loss: NaN } });
    expect(Object.keys(read!.values)).toEqual(["loss"]);
  });

  it.each(["", "{", "7", "null", '{"kind":"other","step":1,"epoch":0}', '{"kind":"train"}'])(
    "passes over %j",
    (line) => expect(parseRow(line)).toBeUndefined(),
  );
});

describe("bestOf()", () => {
  it("is the first highest success rate where a world was asked", () => {
    const rows = [
      row("validation", 10, { loss: 0.1 }),
      row("evaluation", 20, { success_rate: 0.5 }),
      row("evaluation", 40, { success_rate: 0.75 }),
      row("evaluation", 60, { success_rate: 0.75 }),
      row("evaluation", 80, { success_rate: NaN }),
    ];
    expect(bestOf(byKind(rows))).toEqual({ of: "success", step: 40, value: 0.75 });
  });

  it("is the first lowest held-out loss otherwise, and nothing where nothing was measured", () => {
    const rows = [3, 1, 1, 2].map((loss, i) => row("validation", i, { loss }));
    expect(bestOf(byKind(rows))).toEqual({ of: "validation", step: 1, value: 1 });
    expect(bestOf(byKind([row("train", 1, { loss: 1 })]))).toBeUndefined();
  });
});
