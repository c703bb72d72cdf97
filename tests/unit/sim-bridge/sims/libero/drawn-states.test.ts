/** States drawn from seeds are like the official ones, none of them, and the same everywhere. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seeded } from "../../../../../src/core/index.ts";
import type { DrawnFrom } from "../../../../../sim-bridge/sims/libero/drawn-states.ts";
import { drawnStates } from "../../../../../sim-bridge/sims/libero/drawn-states.ts";

const ARM = [1, 2, 3, 4, 5, 6, 7];
const joints = ARM.map((i) => `<joint name="arm${i}" axis="0 0 1" />`).join("");
const XML = `<mujoco><worldbody>${joints}
  <body><joint type="free" damping="0.1" name="cup_joint0" /></body>
  <body><freejoint name="tray_joint0" /></body>
  <body><freejoint name="egg_joint0" /></body>
  <body><joint name="drawer" type="slide" /><body><joint name="spoon_joint0" type="free"/></body></body>
</worldbody></mujoco>`;
/** The egg lies on the tray, the spoon in the drawer of the chest; cup, tray and chest stand on the table. */
const BDDL = `(define (problem P) (:domain robosuite) (:language do)
  (:regions (cup_region (:target table) (:ranges ((0 0 1 1)))) (tray_region (:target table) (:ranges ((0 0 1 1))))
            (chest_region (:target table) (:ranges ((0 0 1 1)))) (inside (:target chest)))
  (:fixtures table - table chest - chest) (:objects cup - cup tray - tray egg - egg spoon - spoon)
  (:init (On cup table_cup_region) (On tray table_tray_region) (On chest table_chest_region) (On egg tray)
         (In spoon chest_inside))
  (:goal (And (On cup tray))))`;
const [CUP, TRAY, EGG, DRAWER, SPOON] = [7, 14, 21, 28, 29] as const;
const NQ = 36;
const NV = 7 + 4 * 6 + 1;

function thing(name: string, ...own: readonly string[]) {
  return { cls: name, root: name, joints: [...own], contact_geoms: [] };
}

/** Official states: the egg 3 cm beside the tray's middle, the spoon as far out as the drawer is. */
function official(): readonly Float64Array[] {
  const rng = seeded("official");
  return Array.from({ length: 50 }, () => {
    const row = new Float64Array(1 + NQ + NV);
    const put = (at: number, ...pose: readonly number[]): void => {
      row.set([...pose, 1, 0, 0, 0], 1 + at);
    };
    const [x, y, open] = [rng.uniform() * 0.1, rng.uniform() * 0.1, -0.1 * rng.uniform()];
    put(CUP, 0.3 + 0.1 * rng.uniform(), 0.1 * rng.uniform(), 0.9);
    put(TRAY, x, y, 0.9);
    put(EGG, x + 0.03, y, 0.95);
    row[1 + DRAWER] = open;
    put(SPOON, 0.5, open - 0.2, 1);
    return row;
  });
}

function source(change: Partial<DrawnFrom> = {}): DrawnFrom {
  const rows = official();
  return {
    task: "suite/task",
    xml: XML,
    bddl: BDDL,
    states: { count: rows.length, row: (index) => rows[index]! },
    meta: {
      nq: NQ,
      nv: NV,
      sites: {},
      fixtures: { chest: thing("chest", "drawer") },
      objects: {
        cup: thing("cup", "cup_joint0"),
        tray: thing("tray", "tray_joint0"),
        egg: thing("egg", "egg_joint0"),
        spoon: thing("spoon", "spoon_joint0"),
      },
      arm: { site: "s", initial_joint: ARM },
    },
    ...change,
  };
}

describe("states drawn from seeds", () => {
  const draw = drawnStates(source());
  const rows = official();

  it("stay within what the official states span, at rest, and are none of them", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const { qpos, qvel } = draw(seed);
        for (let i = ARM.length; i < NQ; i++) {
          const known = rows.map((row) => row[1 + i]!);
          expect(qpos[i]).toBeGreaterThanOrEqual(Math.min(...known) - 1e-12);
          expect(qpos[i]).toBeLessThanOrEqual(Math.max(...known) + 1e-12);
        }
        expect([...qvel].every((v) => v === 0)).toBe(true);
        expect(rows.some((row) => row[1 + CUP] === qpos[CUP])).toBe(false);
      }),
    );
  });

  it("move what stands on or in another thing together with it", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const { qpos } = draw(seed);
        expect(qpos[EGG]! - qpos[TRAY]!).toBeCloseTo(0.03, 12);
        expect(qpos[EGG + 1]! - qpos[TRAY + 1]!).toBeCloseTo(0, 12);
        expect(qpos[SPOON + 1]! - qpos[DRAWER]!).toBeCloseTo(-0.2, 12);
      }),
    );
  });

  it("leave nothing nearer to another thing than in any official state", () => {
    const least = Math.min(
      ...rows.map((row) =>
        Math.hypot(row[1 + CUP]! - row[1 + TRAY]!, row[2 + CUP]! - row[2 + TRAY]!),
      ),
    );
    for (let seed = 0; seed < 200; seed++) {
      const { qpos } = draw(seed);
      const apart = Math.hypot(qpos[CUP]! - qpos[TRAY]!, qpos[CUP + 1]! - qpos[TRAY + 1]!);
      expect(apart).toBeGreaterThanOrEqual(least);
    }
  });

  it("scatter the arm by 0.02 rad around its pose at reset, and nothing else is equal twice", () => {
    const angles = Array.from({ length: 2000 }, (_, seed) => draw(seed).qpos[3]!);
    const mean = angles.reduce((sum, angle) => sum + angle, 0) / angles.length;
    const variance = angles.reduce((sum, angle) => sum + (angle - mean) ** 2, 0) / angles.length;
    expect(mean).toBeCloseTo(4, 2);
    expect(Math.sqrt(variance) / 0.02).toBeGreaterThan(0.95);
    expect(Math.sqrt(variance) / 0.02).toBeLessThan(1.05);
    expect(new Set(angles).size).toBe(angles.length);
    expect(drawnStates(source())(7)).toEqual(draw(7));
    expect(drawnStates(source({ task: "suite/other" }))(7)).not.toEqual(draw(7));
  });

  it("are refused where scene and states disagree", () => {
    expect(() => drawnStates(source({ xml: XML.replace(joints, "") }))).toThrow(
      'Cannot draw states of "suite/task": its scene has 29 joint coordinates, must have 36',
    );
  });
});
