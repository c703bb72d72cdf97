import { describe, expect, it } from "vitest";
import type { ComponentSpec } from "../../../../src/core/index.ts";
import type { EpisodeReader } from "../../../../src/episode/types.ts";
import {
  axisNames,
  metresPerUnit,
  motionModelOf,
  writeChunkPath,
} from "../../../../src/viewer/app/chunk-path.ts";
import {
  ACTION_SCALE_M,
  SYNTHETIC_SPEC,
  inMemoryReader,
  synthesiseEpisode,
} from "../../../support/synthetic-episode.ts";
import { BODIES } from "../../../support/synthetic-scene.ts";

const reader = inMemoryReader(synthesiseEpisode({ images: false, steps: 60 }));
const delta = SYNTHETIC_SPEC.action.components[0]!;

/** The episode with another first action component. */
function withComponent(change: Partial<ComponentSpec>): EpisodeReader {
  const { spec } = reader.header;
  const components = [{ ...delta, ...change }, ...spec.action.components.slice(1)];
  return { ...reader, header: { ...reader.header, spec: { ...spec, action: { components } } } };
}

describe("metresPerUnit()", () => {
  it("reads units of length and lengths in descriptions", () => {
    const scale = (unit?: string, description?: string): number | undefined =>
      metresPerUnit({
        ...delta,
        unit: undefined as never,
        description: undefined as never,
        ...(unit !== undefined && { unit }),
        ...(description !== undefined && { description }),
      });
    expect(scale("m")).toBe(1);
    expect(scale("mm")).toBe(0.001);
    expect(scale("0.05 m")).toBe(0.05);
    expect(scale("1", "1 moves by 0.05 m")).toBe(0.05);
    expect(scale("1", "full deflection is 5 cm per step")).toBeCloseTo(0.05, 12);
    expect(scale("1", "about 20 ms later")).toBeUndefined();
    expect(scale("1")).toBeUndefined();
  });
});

describe("motionModelOf()", () => {
  it("takes the scale from the spec", () => {
    expect(motionModelOf(reader)).toMatchObject({
      kind: "delta",
      scaleM: ACTION_SCALE_M,
      scaleFrom: "spec",
    });
  });
  it("fits the scale to the recorded motion where the spec is silent", () => {
    const model = motionModelOf(withComponent({ description: "no length here" }));
    expect(model?.scaleFrom).toBe("recording");
    // The synthetic gripper does exactly what it is told.
    expect(model?.scaleM).toBeCloseTo(ACTION_SCALE_M, 6);
  });
  it("has none for actions that are no motion, and for episodes without a gripper", () => {
    expect(motionModelOf(withComponent({ format: "raw" }))).toBeUndefined();
    const { scene, ...header } = reader.header;
    expect(scene).toBeDefined();
    expect(motionModelOf({ ...reader, header })).toBeUndefined();
  });
});

describe("writeChunkPath()", () => {
  const path = new Float64Array(300);
  it("starts at the gripper and meets the recorded positions as far as it was executed", () => {
    const model = motionModelOf(reader)!;
    const hand = BODIES.indexOf("hand") * 7;
    for (const decision of reader.decisions.slice(0, 7)) {
      const count = writeChunkPath(path, model, {
        chunk: decision.chunk,
        poses: reader.poses(decision.step)!,
      });
      expect(count).toBe(decision.chunk.horizon + 1);
      for (let row = 0; row <= 4; row++) {
        const recorded = reader.poses(decision.step + row)!.subarray(hand, hand + 3);
        for (let axis = 0; axis < 3; axis++) {
          expect(path[row * 3 + axis]).toBeCloseTo(recorded[axis]!, 6);
        }
      }
    }
  });
  it("takes absolute positions as they are", () => {
    const absolute = withComponent({ format: "position", unit: "m" });
    const model = motionModelOf(absolute)!;
    const { chunk } = reader.decisions[0]!;
    writeChunkPath(path, model, { chunk, poses: reader.poses(0)! });
    expect([...path.subarray(3, 6)]).toEqual([...chunk.data.subarray(0, 3)]);
  });
  it("turns deltas of the gripper's frame into the world", () => {
    const model = motionModelOf(withComponent({ frame: "gripper", unit: "m" }))!;
    expect(model.frameBody).toBe(BODIES.indexOf("hand"));
    const poses = new Float64Array(BODIES.length * 7);
    // Half a turn about x: y and z change sign.
    poses.set([0.1, 0.2, 0.3, 0, 1, 0, 0], model.gripperBody * 7);
    const chunk = { data: Float32Array.of(0.01, 0.02, 0.03, 0), horizon: 1, actionDim: 4 };
    writeChunkPath(path, model, { chunk, poses });
    const expected = [0.11, 0.18, 0.27];
    for (let axis = 0; axis < 3; axis++) expect(path[3 + axis]).toBeCloseTo(expected[axis]!, 6);
  });
  it.each(["delta_position", "position"] as const)(
    "stays at the gripper's height where actions move in a plane: %s",
    (format) => {
      const model = motionModelOf(withComponent({ format, shape: [2], unit: "m" }))!;
      const poses = new Float64Array(BODIES.length * 7);
      poses.set([0.1, 0.2, 0.3, 1, 0, 0, 0], model.gripperBody * 7);
      // Another component's number comes third, or nothing.
      const chunk = { data: Float32Array.of(0.5, 0.25, 9, 0.5, 0.25), horizon: 2, actionDim: 3 };
      writeChunkPath(path, model, { chunk, poses });
      const from = format === "position" ? [0, 0] : [0.1, 0.2];
      const [x, y] = [from[0]! + 0.5, from[1]! + 0.25];
      const last = format === "position" ? [x, y] : [x + 0.5, y + 0.25];
      const expected = [0.1, 0.2, 0.3, x, y, 0.3, ...last, 0.3];
      expected.forEach((value, i) => expect(path[i]).toBeCloseTo(value, 6));
    },
  );
  it("lets no row count for more than its bounds, as the controller does", () => {
    const model = motionModelOf(reader)!;
    const chunk = { data: Float32Array.of(3, -0.5, -7, 0), horizon: 1, actionDim: 4 };
    const poses = reader.poses(0)!;
    writeChunkPath(path, model, { chunk, poses });
    const moved = [0, 1, 2].map((axis) => path[3 + axis]! - path[axis]!);
    for (const [axis, by] of [1, -0.5, -1].entries()) {
      expect(moved[axis]).toBeCloseTo(by * ACTION_SCALE_M, 12);
    }
  });
  it("stays in the plane where actions have two entries", () => {
    const planar = withComponent({ shape: [2] });
    const model = motionModelOf(planar)!;
    const chunk = { data: Float32Array.of(0.5, 1, 0.25, -1), horizon: 2, actionDim: 2 };
    const poses = reader.poses(0)!;
    expect(writeChunkPath(path, model, { chunk, poses })).toBe(3);
    const [x, y, z] = path as unknown as [number, number, number];
    const expected = [x + 0.025, y + 0.05, z, x + 0.0375, y, z];
    for (const [i, value] of expected.entries()) expect(path[3 + i]).toBeCloseTo(value, 9);
  });
  it("takes raw numbers as places in a body's frame where the scene says so", () => {
    const raw = withComponent({ format: "raw", shape: [2], low: [0], high: [512] });
    const actionPlace = { component: delta.name, body: "hand", metresPerUnit: 0.001 };
    const scene = { ...raw.header.scene!, actionPlace };
    const model = motionModelOf({ ...raw, header: { ...raw.header, scene } })!;
    expect(model).toMatchObject({ kind: "absolute", axes: 2, scaleM: 0.001 });
    const poses = new Float64Array(BODIES.length * 7);
    poses.set([-0.256, 0.256, 0.01, 0, 1, 0, 0], model.frameBody! * 7);
    const chunk = { data: Float32Array.of(100, 200), horizon: 1, actionDim: 2 };
    writeChunkPath(path, model, { chunk, poses });
    for (const [axis, at] of [-0.156, 0.056, 0.01].entries()) {
      expect(path[3 + axis]).toBeCloseTo(at, 9);
    }
  });
  it("writes no more points than there is room for", () => {
    const model = motionModelOf(reader)!;
    const small = new Float64Array(9);
    const { chunk } = reader.decisions[0]!;
    expect(writeChunkPath(small, model, { chunk, poses: reader.poses(0)! })).toBe(3);
  });
});

describe("axisNames()", () => {
  it("names the entries of a component as people call them", () => {
    expect(SYNTHETIC_SPEC.action.components.map(axisNames)).toEqual([["x", "y", "z"], [""]]);
    expect(axisNames({ ...delta, format: "quat_wxyz", shape: [4] })).toEqual(["w", "x", "y", "z"]);
    expect(axisNames({ ...delta, format: "raw", shape: [2, 2] })).toEqual(["0", "1", "2", "3"]);
  });
});
