import { createHash } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import {
  compileModel,
  folderOf,
  loadMujoco,
} from "../../../../../sim-bridge/sims/manipulation/mujoco-engine.ts";
import type { EngineModel } from "../../../../../sim-bridge/sims/manipulation/mujoco-module.ts";
import { Physics } from "../../../../../sim-bridge/sims/manipulation/mujoco.ts";

const open: Physics[] = [];
async function compile(xml: string, files?: Record<string, Uint8Array>): Promise<Physics> {
  const physics = await Physics.compile(xml, files);
  open.push(physics);
  return physics;
}
afterEach(() => {
  for (const physics of open.splice(0)) physics[Symbol.dispose]();
});

/** Boxes in a row, touching the floor. */
function boxes(count: number, memory = "1M"): string {
  const bodies = Array.from(
    { length: count },
    (_, i) =>
      `<body name="b${i}" pos="${i} 0 .049"><freejoint name="j${i}"/><geom name="g${i}" type="box" size=".05 .05 .05"/></body>`,
  );
  return `<mujoco><size memory="${memory}"/><worldbody><geom name="floor" type="plane" size="9 9 .1"/>${bodies.join("")}</worldbody></mujoco>`;
}

const PENDULUM = `<mujoco><compiler angle="radian"/><option timestep=".002"/><worldbody><body name="rod" pos="0 0 1"><joint name="hinge" axis="0 1 0" range="-3 3" limited="true"/><geom name="tip" type="sphere" pos="0 0 -.5" size=".05"/><site name="end" pos="0 0 -.5"/></body></worldbody><actuator><motor name="motor" joint="hinge" ctrlrange="-2 2" ctrllimited="true"/></actuator></mujoco>`;

const TETRAHEDRON = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n";

function meshScene(attributes = ""): string {
  return `<mujoco><asset><mesh name="m" file="parts/tetra.obj" ${attributes}/></asset><worldbody><body><freejoint/><geom type="mesh" mesh="m"/></body></worldbody></mujoco>`;
}

/** What a mesh is to physics and pictures; the model is freed. */
function meshNumbers(model: EngineModel): Record<string, readonly number[]> {
  const { mesh_vert, mesh_normal, mesh_face, body_mass, body_inertia, body_iquat } =
    model as EngineModel & Record<"body_mass" | "body_inertia" | "body_iquat", Float64Array>;
  const numbers = { mesh_vert, mesh_normal, mesh_face, body_mass, body_inertia, body_iquat };
  const copies = Object.entries(numbers).map(([name, values]) => [name, [...values]] as const);
  model.delete();
  return Object.fromEntries(copies);
}

function run(physics: Physics, steps: number): void {
  for (let i = 0; i < steps; i++) {
    physics.step1();
    physics.step2();
  }
}

describe("Physics", () => {
  it("compile() gives the engine's message and line for bad MJCF, and refuses file names outside", async () => {
    await expect(
      compile('<mujoco>\n<worldbody><geom typ="box"/></worldbody></mujoco>'),
    ).rejects.toThrow(/^Cannot compile the scene: .*typ.*line 2/s);
    await expect(compile(PENDULUM, { "../x.stl": new Uint8Array() })).rejects.toThrow(RangeError);
    await expect(compile(PENDULUM, { "/x.stl": new Uint8Array() })).rejects.toThrow(RangeError);
  });

  it("compile() refuses scenes that ask for gigabytes", async () => {
    await expect(compile(boxes(1, "1G"))).rejects.toThrow(/1024 MiB .* must be at most 128/);
  });

  it("compile() finds files in folders and leaves none behind", async () => {
    const xml = meshScene();
    const obj = TETRAHEDRON;
    const physics = await compile(xml, { "parts/tetra.obj": new TextEncoder().encode(obj) });
    const mesh = physics.readRenderModel().meshes[0]!;
    expect(mesh.vertices).toHaveLength(12);
    expect(mesh.faces).toHaveLength(12);
    // The same name with other bytes is another mesh.
    const bigger = obj.replace("v 1 0 0", "v 2 0 0");
    const second = await compile(xml, { "parts/tetra.obj": new TextEncoder().encode(bigger) });
    const spread = (values: Float32Array): number => Math.max(...values) - Math.min(...values);
    expect(spread(second.readRenderModel().meshes[0]!.vertices)).toBeGreaterThan(
      1.3 * spread(mesh.vertices),
    );
    await expect(compile(xml)).rejects.toThrow(/parts\/tetra.obj/);
  });

  it("meshes that the engine kept from an earlier scene are those it would make anew", async () => {
    const mujoco = await loadMujoco();
    const files = { "parts/tetra.obj": new TextEncoder().encode(TETRAHEDRON) };
    for (const attributes of ["", 'scale="2 1 3"', 'inertia="shell"', 'maxhullvert="4"']) {
      const xml = meshScene(attributes);
      const [fresh, first, again] = [`/fresh ${attributes}`, "/kept", "/kept"].map((folder) =>
        meshNumbers(compileModel(mujoco, { xml, files }, folder)),
      );
      expect(first).toEqual(fresh);
      expect(again).toEqual(fresh);
    }
    // It does keep them, by folder: with other bytes in the same one the first mesh comes back.
    const other = { "parts/tetra.obj": new TextEncoder().encode(TETRAHEDRON.replace("1", "2")) };
    const [before, after] = [files, other].map((each) =>
      meshNumbers(compileModel(mujoco, { xml: meshScene(), files: each }, "/kept")),
    );
    expect(after).toEqual(before);
    expect(await folderOf(other)).not.toBe(await folderOf(files));
    expect(await folderOf({ ...files })).toBe(await folderOf(files));
  });

  it("goes the same way to the bit as the engine that computes sensors, too", async () => {
    const sensors = `<sensor><force site="end"/><torque site="end"/><framelinacc objtype="site" objname="end"/></sensor>`;
    const xml = PENDULUM.replace(
      "</worldbody>",
      `<geom type="plane" pos="0 0 .6" size="2 2 .1"/></worldbody>${sensors}`,
    );
    const physics = await compile(xml);
    const mujoco = await loadMujoco();
    const model = compileModel(mujoco, { xml, files: {} }, "/with-sensors");
    const data = new mujoco.MjData(model);
    physics.views.qvel[0] = data.qvel[0] = 2;
    physics.views.ctrl[0] = data.ctrl[0] = 1;
    for (let step = 0; step < 400; step++) {
      run(physics, 1);
      mujoco.mj_step1(model, data);
      mujoco.mj_step2(model, data);
      expect(physics.views.qpos[0]).toBe(data.qpos[0]);
      expect(physics.views.qvel[0]).toBe(data.qvel[0]);
    }
    expect(physics.contactPairs().length).toBeGreaterThan(0);
    data.delete();
    model.delete();
  });

  it("names lead to ids and back, and unknown ones say so", async () => {
    const physics = await compile(PENDULUM);
    expect(physics.name("body", physics.id("body", "rod"))).toBe("rod");
    expect(physics.joint("hinge")).toMatchObject({
      kind: "hinge",
      qposAddress: 0,
      low: -3,
      high: 3,
    });
    expect(physics.commandRange(physics.id("actuator", "motor"))).toEqual([-2, 2]);
    expect(() => physics.id("site", "ende")).toThrow(/site "ende"/);
  });

  it("views stay alive when another scene makes the engine's memory grow", async () => {
    const physics = await compile(PENDULUM);
    const stale = physics.views.qpos;
    stale[0] = 0.25;
    const before = physics.heapBytes;
    while (physics.heapBytes === before) await compile(boxes(1, "64M"));
    expect(stale).toHaveLength(0); // the trap
    expect(physics.views.qpos[0]).toBe(0.25);
    physics.views.qpos[0] = 0.5;
    expect(physics.saveState()[1]).toBe(0.5);
  });

  it("contactPairs() and isTouching() read what touches", async () => {
    const physics = await compile(boxes(3));
    physics.forward();
    const geom = (name: string): number => physics.id("geom", name);
    const pairs = physics.contactPairs();
    expect(pairs).toHaveLength(2 * physics.contactCount);
    expect(physics.contactCount).toBe(12); // four corners of each box
    const touched = new Set<number>();
    for (let i = 0; i < pairs.length; i += 2) {
      expect(pairs[i]).toBe(geom("floor"));
      touched.add(pairs[i + 1]!);
    }
    expect([...touched].sort()).toEqual(["g0", "g1", "g2"].map(geom).sort());
    const floor = physics.geomMask(["floor"]);
    expect(physics.isTouching(floor, physics.geomMask(["g2"]))).toBe(true);
    expect(physics.isTouching(physics.geomMask(["g2"]), floor)).toBe(true);
    expect(physics.isTouching(physics.geomMask(["g0", "g1"]), physics.geomMask(["g2"]))).toBe(
      false,
    );
    expect(physics.isTouching(floor, new Uint8Array(physics.geomCount))).toBe(false);
  });

  it("reading contacts 200,000 times does not grow the engine's memory", async () => {
    const physics = await compile(boxes(3));
    physics.forward();
    const floor = physics.geomMask(["floor"]);
    const none = new Uint8Array(physics.geomCount);
    const before = physics.heapBytes;
    for (let i = 0; i < 200_000; i++) physics.isTouching(floor, none);
    expect(physics.heapBytes).toBe(before);
  });

  it("gives the same bits in every process", async () => {
    const physics = await compile(boxes(3));
    physics.views.qvel.set([0.3, -0.2, 0.5, 1, 2, 3], 6);
    run(physics, 500);
    const bytes = new Uint8Array(physics.saveState().buffer);
    // The engine's version decides this value; the machine and the process do not.
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(
      "b5d5e91b0dc51f5f46a05d366effb804a5695ecffa0786782e8e21a3d51978cc",
    );
  });

  it("restoreState() replays bit for bit", async () => {
    const physics = await compile(boxes(3));
    physics.views.qvel.set([0.3, -0.2, 0.5, 1, 2, 3], 6);
    run(physics, 40);
    const state = physics.saveState();
    run(physics, 200);
    const first = physics.saveState();
    physics.restoreState(state);
    run(physics, 200);
    expect(physics.saveState()).toEqual(first);
    expect(() => physics.restoreState(state.subarray(1))).toThrow(RangeError);
  });

  it("assertHealthy() notices that the engine has reset itself", async () => {
    const physics = await compile(PENDULUM);
    run(physics, 10);
    const start = physics.time;
    run(physics, 5);
    expect(() => physics.assertHealthy(start, 5)).not.toThrow();
    physics.views.qvel[0] = NaN;
    run(physics, 5);
    expect(() => physics.assertHealthy(start, 10)).toThrow(/diverged/);
    physics.reset();
    run(physics, 2);
    expect(() => physics.assertHealthy(0, 2)).not.toThrow();
  });

  it("assertHealthy() notices contacts that did not fit", async () => {
    const physics = await compile(boxes(12, "40K"));
    run(physics, 3);
    expect(() => physics.assertHealthy(0, 3)).toThrow(/memory=.* must be larger than 40960/);
  });

  it("siteJacobian() and massMatrixIndex() agree with the pendulum's closed form", async () => {
    const physics = await compile(PENDULUM);
    const angle = 0.4;
    physics.views.qpos[0] = angle;
    physics.forward();
    const position = new Float64Array(3);
    const rotation = new Float64Array(3);
    physics.siteJacobian(physics.id("site", "end"), position, rotation);
    // A turn about +y takes the hanging tip (-z) towards -x.
    expect(position[0]).toBeCloseTo(-0.5 * Math.cos(angle), 12);
    expect(position[2]).toBeCloseTo(0.5 * Math.sin(angle), 12);
    expect([...rotation]).toEqual([0, 1, 0]);
    const index = physics.massMatrixIndex([0]);
    const mass = (4 / 3) * Math.PI * 0.05 ** 3 * 1000;
    const inertia = mass * 0.5 ** 2 + 0.4 * mass * 0.05 ** 2;
    expect(physics.views.massMatrix[index[0]!]).toBeCloseTo(inertia, 12);
  });

  it("multiRay() finds the nearest geom and how far it is", async () => {
    const physics = await compile(boxes(2));
    physics.forward();
    const down = Float64Array.of(0, 0, -1, 0, 0, 1, 1, 0, 0);
    const { distances, geomIds } = physics.multiRay([0, 0, 2], down);
    expect(distances[0]).toBeCloseTo(2 - 0.099, 9);
    expect(geomIds[0]).toBe(physics.id("geom", "g0"));
    expect([...distances.subarray(1)]).toEqual([-1, -1]);
    expect([...geomIds.subarray(1)]).toEqual([-1, -1]);
    expect(() => physics.multiRay([0, 0, 2], new Float64Array(2))).toThrow(TypeError);
  });

  it("2,000 resets and 300 compiled scenes leave the engine's memory flat", async () => {
    const physics = await compile(boxes(4));
    const cycle = async (): Promise<void> => {
      const other = await Physics.compile(boxes(2));
      run(other, 1);
      other[Symbol.dispose]();
    };
    for (let i = 0; i < 20; i++) await cycle();
    const before = physics.heapBytes;
    for (let i = 0; i < 2000; i++) {
      physics.reset();
      run(physics, 1);
    }
    for (let i = 0; i < 300; i++) await cycle();
    expect(physics.heapBytes).toBe(before);
  });

  it("disposing twice is harmless and use afterwards throws", async () => {
    const physics = await Physics.compile(PENDULUM);
    physics[Symbol.dispose]();
    physics[Symbol.dispose]();
    expect(() => physics.forward()).toThrow();
  });
});
