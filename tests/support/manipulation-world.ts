/**
 * A small world for tests of the manipulation runtime: the Panda before a table with a cube, a plate
 * beside it, a drawer and two marked regions.
 */
import { element, toXml } from "../../robots/mjcf.ts";
import { pandaMjcf } from "../../robots/panda/mjcf.ts";
import { PANDA_INITIAL_QPOS, PANDA_NAMES } from "../../robots/panda/spec.ts";
import type { BoxedScene } from "../../sim-bridge/sims/manipulation/thing-boxes.ts";
import type {
  ManipulationTask,
  ManipulationWorld,
} from "../../sim-bridge/sims/manipulation/world.ts";

export const TABLE_TOP_M = 0.4;
const CUBE_HALF_M = 0.02;

const GOALS: Readonly<Record<string, string>> = {
  lift_cube: "(Lifted cube)",
  cube_on_plate: "(On cube plate) (Released cube)",
  open_drawer: "(Open drawer_inside)",
  never: "(False)",
};

function task(name: string): ManipulationTask {
  return {
    name,
    suite: "test",
    instruction: `please ${name}`,
    initialStates: 3,
    family: "test",
  };
}

function problem(name: string): string {
  return `(define (problem test) (:domain test) (:language please ${name})
    (:fixtures drawer - drawer) (:objects cube - cube plate - plate) (:goal (And ${GOALS[name]})))`;
}

/** @param options.variant scenes of different variants have different MJCF */
export function testScene(
  options: { readonly variant?: string; readonly task?: string } = {},
): BoxedScene {
  const robot = pandaMjcf({ basePosition: [-0.6, 0, TABLE_TOP_M] });
  const free = (name: string, half: readonly number[], rgba: readonly number[]) =>
    element("body", { name, pos: [0, 0, 1] }, [
      element("freejoint", { name: `${name}_free` }),
      element("geom", { name: `${name}_geom`, type: "box", size: half, rgba, mass: 0.05 }),
    ]);
  const scene = element("mujoco", { model: `test ${options.variant ?? ""}` }, [
    element("compiler", { angle: "radian", autolimits: true }),
    element("option", { timestep: 0.002, cone: "elliptic", impratio: 20 }),
    element("size", { memory: "2M" }),
    element("default", {}, robot.defaults ?? []),
    element("asset", {}, robot.assets ?? []),
    element("worldbody", {}, [
      element("light", { pos: [0, 0, 3] }),
      element("camera", { name: "front", pos: [0.9, 0, 1.1], xyaxes: [0, 1, 0, -0.6, 0, 0.8] }),
      element("geom", { name: "floor", type: "plane", size: [2, 2, 0.1] }),
      element("geom", {
        name: "table",
        type: "box",
        size: [0.35, 0.5, TABLE_TOP_M / 2],
        pos: [0.05, 0, TABLE_TOP_M / 2],
        rgba: [0.6, 0.5, 0.4, 1],
      }),
      element("site", {
        name: "zone",
        type: "box",
        size: [0.05, 0.05, 0.005],
        pos: [0.1, 0.2, TABLE_TOP_M],
      }),
      element("body", { name: "drawer", pos: [0.15, -0.3, TABLE_TOP_M + 0.03] }, [
        element("body", { name: "drawer_box" }, [
          element("joint", {
            name: "drawer_slide",
            type: "slide",
            axis: [1, 0, 0],
            range: [-0.16, 0],
          }),
          element("geom", {
            name: "drawer_geom",
            type: "box",
            size: [0.05, 0.08, 0.02],
            mass: 0.3,
          }),
          element("site", { name: "drawer_inside", type: "box", size: [0.04, 0.07, 0.03] }),
        ]),
      ]),
      ...(robot.bodies ?? []),
      free("cube", [CUBE_HALF_M, CUBE_HALF_M, CUBE_HALF_M], [1, 0, 0, 1]),
      free("plate", [0.05, 0.05, 0.005], [0, 0, 1, 1]),
    ]),
    element("actuator", {}, robot.actuators ?? []),
  ]);
  return {
    bddl: problem(options.task ?? "never"),
    xml: toXml(scene),
    files: {},
    arm: {
      site: PANDA_NAMES.gripSite,
      handBody: PANDA_NAMES.handBody,
      baseBody: PANDA_NAMES.baseBody,
      joints: PANDA_NAMES.joints,
      actuators: PANDA_NAMES.actuators,
      initialQpos: PANDA_INITIAL_QPOS,
      fingerJoints: PANDA_NAMES.fingerJoints,
      fingerActuators: PANDA_NAMES.fingerActuators,
      fingerGeoms: PANDA_NAMES.fingerGeoms,
    },
    things: {
      cube: {
        kind: "object",
        category: "red cube",
        rootBody: "cube",
        joints: ["cube_free"],
        contactGeoms: ["cube_geom"],
        halfExtents: [CUBE_HALF_M, CUBE_HALF_M, CUBE_HALF_M],
        centre: [0, 0, 0],
      },
      plate: {
        kind: "object",
        category: "blue plate",
        rootBody: "plate",
        joints: ["plate_free"],
        contactGeoms: ["plate_geom"],
        halfExtents: [0.05, 0.05, 0.005],
      },
      drawer: {
        kind: "fixture",
        category: "drawer",
        rootBody: "drawer",
        joints: ["drawer_slide"],
        contactGeoms: ["drawer_geom"],
        halfExtents: [0.05, 0.08, 0.02],
        ranges: { open: [-0.16, -0.14], close: [-0.005, 0.005], pressed: [-0.16, -0.15] },
      },
    },
    parts: [
      {
        name: "drawer_box",
        category: "drawer",
        parent: "drawer",
        body: "drawer_box",
        joint: "drawer_slide",
        halfExtents: [0.05, 0.08, 0.02],
        grasp: [-0.06, 0, 0],
      },
    ],
    regions: {
      zone: { parent: null, size: [0.05, 0.05, 0.005], joints: [] },
      drawer_inside: { parent: "drawer", size: [0.04, 0.07, 0.03], joints: ["drawer_slide"] },
    },
  };
}

/** Where the free things stand, m: two spots that the index moves a little. */
function initialQpos(index: number): Float64Array {
  const shift = 0.01 * index;
  // Joints in the order of the bodies: drawer, arm, fingers, cube, plate.
  return Float64Array.of(
    ...[0, ...PANDA_INITIAL_QPOS, 0.04, -0.04],
    ...[0.05 + shift, 0.05, TABLE_TOP_M + CUBE_HALF_M, 1, 0, 0, 0],
    ...[0.05 - shift, -0.1, TABLE_TOP_M + 0.005, 1, 0, 0, 0],
  );
}

/** @param options.variants one scene per task when true, else all tasks share one */
export function testWorld(
  options: { readonly variants?: boolean; readonly successHoldSteps?: number } = {},
): ManipulationWorld {
  return {
    name: "test-world",
    version: "1",
    versions: { assets: "none" },
    tasks: Object.keys(GOALS).map(task),
    images: [
      { name: "front", width: 48, height: 32, channels: 3 },
      { name: "wrist", width: 32, height: 32, channels: 3 },
    ],
    maxSteps: 50,
    tableHeightM: TABLE_TOP_M,
    ...(options.successHoldSteps === undefined
      ? {}
      : { successHoldSteps: options.successHoldSteps }),
    buildScene: (name) =>
      testScene({ task: name, ...(options.variants === true ? { variant: name } : {}) }),
    initialState(_name, choice) {
      const index = "index" in choice ? choice.index : choice.seed % 3;
      if (index < 0 || index >= 3) {
        throw new RangeError(`Cannot make initial state ${index}: must be one of 3`);
      }
      return { qpos: initialQpos(index), qvel: new Float64Array(1 + 9 + 12) };
    },
  };
}
