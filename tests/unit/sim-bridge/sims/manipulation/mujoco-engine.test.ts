import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import createModule from "@mujoco/mujoco";
import { describe, expect, it } from "vitest";
import {
  compileModel,
  loadMujoco,
} from "../../../../../sim-bridge/sims/manipulation/mujoco-engine.ts";
import type { MujocoModule } from "../../../../../sim-bridge/sims/manipulation/mujoco-module.ts";
import made from "../../../../../sim-bridge/sims/manipulation/engine/made.json" with { type: "json" };

const STEPS = 600;
const OCTAHEDRON =
  "v 1 0 0\nv -1 0 0\nv 0 1 0\nv 0 -1 0\nv 0 0 1\nv 0 0 -1\nf 1 3 5\nf 3 2 5\nf 2 4 5\nf 4 1 5\nf 3 1 6\nf 2 3 6\nf 4 2 6\nf 1 4 6\n";

/** One of every shape falls onto a tray that an arm shakes: contacts of every pair, elliptic cones, fluid, limits, friction. */
function heap(): string {
  const shapes = [
    `type="sphere" size=".04"`,
    `type="box" size=".05 .03 .02"`,
    `type="capsule" size=".02 .05"`,
    `type="cylinder" size=".03 .04"`,
    `type="ellipsoid" size=".05 .03 .02"`,
    `type="mesh" mesh="octahedron"`,
  ];
  const things = shapes.flatMap((shape, s) =>
    [0, 1].map(
      (k) =>
        `<body pos="${(s % 3) * 0.09 - 0.09} ${k * 0.1 - 0.05} ${0.3 + 0.12 * s}" euler="${0.3 * s} ${0.7 * k} .2"><freejoint/><geom ${shape} density="500"/></body>`,
    ),
  );
  const walls = ["-.25 0 .1", "0 -.25 .1", ".25 0 .1", "0 .25 .1"].map(
    (pos, i) => `<geom type="box" pos="${pos}" size="${i % 2 ? ".25 .01 .1" : ".01 .25 .1"}"/>`,
  );
  return `<mujoco>
    <option timestep=".002" cone="elliptic" impratio="20" density="1.2" viscosity=".00002"/><size memory="8M"/>
    <asset><mesh name="octahedron" file="octahedron.obj" scale=".04 .04 .04"/></asset>
    <worldbody><geom type="plane" size="2 2 .1"/>${things.join("")}
      <body name="tray" pos="0 0 .05"><joint name="slide" type="slide" axis="1 0 0" range="-.1 .1" limited="true" frictionloss=".1" damping="2"/>
        <geom type="box" size=".25 .25 .01"/>${walls.join("")}</body></worldbody>
    <actuator><position joint="slide" kp="400"/></actuator>
  </mujoco>`;
}

/** All positions and velocities after every step, and the contacts there were. */
function shake(mujoco: MujocoModule): { states: Float64Array; contacts: number } {
  const files = { "octahedron.obj": new TextEncoder().encode(OCTAHEDRON) };
  const model = compileModel(mujoco, { xml: heap(), files }, "/heap");
  const data = new mujoco.MjData(model);
  const states: number[] = [];
  let contacts = 0;
  for (let step = 0; step < STEPS; step++) {
    data.ctrl[0] = 0.08 * Math.sin(step / 20);
    mujoco.mj_step1(model, data);
    mujoco.mj_step2(model, data);
    states.push(...data.qpos, ...data.qvel);
    contacts += data.ncon;
  }
  data.delete();
  model.delete();
  return { states: Float64Array.from(states), contacts };
}

const sha256 = async (url: URL): Promise<string> =>
  createHash("sha256")
    .update(await readFile(url))
    .digest("hex");

describe("The inlined engine", () => {
  it("was made from the installed package, as its record says", async () => {
    const installed = new URL("mujoco.wasm", import.meta.resolve("@mujoco/mujoco"));
    const ours = new URL(
      "../../../../../sim-bridge/sims/manipulation/engine/mujoco.wasm",
      import.meta.url,
    );
    const remedy = "must be made anew by npm run engine";
    expect(await sha256(installed), remedy).toBe(made.from.sha256);
    expect(await sha256(ours), remedy).toBe(made.sha256);
  });

  it("goes the same way as the package's own, to the bit, through contacts of all shapes", async () => {
    const ours = shake(await loadMujoco());
    const theirs = shake((await createModule()) as unknown as MujocoModule);
    expect(ours.contacts).toBeGreaterThan(10 * STEPS);
    expect(ours.contacts).toBe(theirs.contacts);
    expect(ours.states.every(Number.isFinite)).toBe(true);
    expect(Buffer.from(ours.states.buffer).equals(Buffer.from(theirs.states.buffer))).toBe(true);
  });
});
