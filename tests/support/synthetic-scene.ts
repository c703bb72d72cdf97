/** The look of the synthetic world: its geoms, where the arm's bodies are, and a small ray caster for its cameras. */
import type { QuatWxyz, SceneDescription, SceneGeom, Vec3 } from "../../src/core/index.ts";
import {
  composePoses,
  invertPose,
  quatWxyzFromMatrix,
  rotateVec3,
  transformPoint,
} from "../../src/math/index.ts";
import type { Pose } from "../../src/math/index.ts";

export const BODIES: readonly string[] = [
  "world",
  "base",
  "upper_arm",
  "forearm",
  "hand",
  "finger_left",
  "finger_right",
  "red_cube",
  "blue_cube",
  "plate",
];

const UPPER_M = 0.36;
const FORE_M = 0.42;
const SHOULDER_Z = 0.36;
/** From the wrist to the point between the finger tips. */
const HAND_M = 0.14;
const STILL: QuatWxyz = [1, 0, 0, 0];

const WHITE = [0.93, 0.93, 0.94, 1] as const;
const GREY = [0.33, 0.36, 0.4, 1] as const;

function geom(body: string, shape: SceneGeom["shape"], rest: Partial<SceneGeom> = {}): SceneGeom {
  return { body, shape, position: [0, 0, 0], quatWxyz: STILL, rgba: WHITE, ...rest };
}

/** A camera that looks from `eye` to `at`: -z forward, y up. */
function cameraPose(eye: Vec3, at: Vec3): Pose {
  const minus = (a: Vec3, b: Vec3): Vec3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
  const cross = (a: Vec3, b: Vec3): Vec3 => [
    a[1] * b[2] - a[2] * b[1],
    a[2] * b[0] - a[0] * b[2],
    a[0] * b[1] - a[1] * b[0],
  ];
  const unit = (v: Vec3): Vec3 => {
    const length = Math.hypot(...v);
    return [v[0] / length, v[1] / length, v[2] / length];
  };
  const back = unit(minus(eye, at));
  const right = unit(cross([0, 0, 1], back));
  const up = cross(back, right);
  const matrix = [right[0], up[0], back[0], right[1], up[1], back[1], right[2], up[2], back[2]];
  return {
    position: eye,
    quatWxyz: quatWxyzFromMatrix(matrix as unknown as Parameters<typeof quatWxyzFromMatrix>[0]),
  };
}

const FRONT = cameraPose([1.15, 0.02, 0.62], [0.38, 0, 0.1]);
/** Beside the hand, looking at the finger tips; the hand's own z points down. */
const WRIST = cameraPose([0.13, 0, -0.13], [0, 0, 0.02]);

export const SCENE: SceneDescription = {
  bodies: BODIES,
  gripperBody: "hand",
  cameras: [
    { name: "front", body: "world", ...FRONT, fovyRad: 0.85 },
    { name: "wrist", body: "hand", ...WRIST, fovyRad: 1.25 },
  ],
  geoms: [
    geom(
      "world",
      { kind: "plane", halfExtents: [0, 0] },
      { position: [0, 0, -0.4], rgba: [0.8, 0.8, 0.8, 1] },
    ),
    geom(
      "world",
      { kind: "box", halfExtents: [0.45, 0.5, 0.02] },
      { position: [0.42, 0, -0.02], rgba: [0.8, 0.68, 0.53, 1] },
    ),
    geom(
      "world",
      { kind: "cylinder", radius: 0.05, halfLength: 0.18 },
      { position: [0.1, -0.4, -0.22], rgba: GREY },
    ),
    geom(
      "world",
      { kind: "cylinder", radius: 0.05, halfLength: 0.18 },
      { position: [0.74, 0.4, -0.22], rgba: GREY },
    ),
    geom(
      "base",
      { kind: "cylinder", radius: 0.085, halfLength: 0.03 },
      { position: [0, 0, 0.03], rgba: GREY },
    ),
    geom("base", { kind: "capsule", radius: 0.062, halfLength: 0.13 }, { position: [0, 0, 0.2] }),
    geom("upper_arm", { kind: "sphere", radius: 0.072 }, { rgba: GREY }),
    geom(
      "upper_arm",
      { kind: "capsule", radius: 0.05, halfLength: UPPER_M / 2 },
      { position: [0, 0, UPPER_M / 2] },
    ),
    geom("forearm", { kind: "sphere", radius: 0.06 }, { rgba: GREY }),
    geom(
      "forearm",
      { kind: "capsule", radius: 0.042, halfLength: FORE_M / 2 },
      { position: [0, 0, FORE_M / 2] },
    ),
    geom("hand", { kind: "sphere", radius: 0.048 }, { position: [0, 0, -HAND_M], rgba: GREY }),
    geom("hand", { kind: "box", halfExtents: [0.03, 0.085, 0.025] }, { position: [0, 0, -0.075] }),
    geom(
      "finger_left",
      { kind: "box", halfExtents: [0.011, 0.007, 0.034] },
      { position: [0, 0, -0.022], rgba: GREY },
    ),
    geom(
      "finger_right",
      { kind: "box", halfExtents: [0.011, 0.007, 0.034] },
      { position: [0, 0, -0.022], rgba: GREY },
    ),
    geom(
      "red_cube",
      { kind: "box", halfExtents: [0.025, 0.025, 0.025] },
      { rgba: [0.83, 0.18, 0.16, 1] },
    ),
    geom(
      "blue_cube",
      { kind: "box", halfExtents: [0.025, 0.025, 0.025] },
      { rgba: [0.16, 0.42, 0.78, 1] },
    ),
    geom(
      "plate",
      { kind: "cylinder", radius: 0.085, halfLength: 0.008 },
      { rgba: [0.96, 0.96, 0.92, 1] },
    ),
    geom(
      "plate",
      { kind: "cylinder", radius: 0.06, halfLength: 0.009 },
      { rgba: [0.86, 0.88, 0.86, 1] },
    ),
  ],
};

/** Bodies and joint angles for a point between the finger tips: two links in a vertical plane. */
export function armPoses(world: {
  readonly gripper: Vec3;
  readonly opening: number;
  readonly cube: Vec3;
  readonly plate: Vec3;
}): { poses: Float64Array; joints: readonly number[] } {
  const [x, y, z] = world.gripper;
  const yaw = Math.atan2(y, x);
  const reach = Math.hypot(x, y);
  const height = z + HAND_M - SHOULDER_Z;
  const distance = Math.min(UPPER_M + FORE_M - 1e-6, Math.hypot(reach, height));
  const elbow = Math.acos((UPPER_M ** 2 + FORE_M ** 2 - distance ** 2) / (2 * UPPER_M * FORE_M));
  const lead = Math.acos((UPPER_M ** 2 + distance ** 2 - FORE_M ** 2) / (2 * UPPER_M * distance));
  // Angles from straight up, towards the reach.
  const shoulder = Math.PI / 2 - Math.atan2(height, reach) - lead;
  const fore = shoulder + Math.PI - elbow;
  const turned = (angle: number): QuatWxyz => {
    const [c, s] = [Math.cos(angle / 2), Math.sin(angle / 2)];
    const [cy, sy] = [Math.cos(yaw / 2), Math.sin(yaw / 2)];
    return [cy * c, -sy * s, cy * s, sy * c];
  };
  const upper: Pose = { position: [0, 0, SHOULDER_Z], quatWxyz: turned(shoulder) };
  const elbowAt = transformPoint(upper, [0, 0, UPPER_M]);
  // The hand points down; its z axis too.
  const hand: Pose = { position: world.gripper, quatWxyz: turned(Math.PI) };
  const gap = 0.012 + 0.034 * world.opening;
  const bodies: readonly Pose[] = [
    { position: [0, 0, 0], quatWxyz: STILL },
    { position: [0, 0, 0], quatWxyz: turned(0) },
    upper,
    { position: elbowAt, quatWxyz: turned(fore) },
    hand,
    composePoses(hand, { position: [0, gap, 0], quatWxyz: STILL }),
    composePoses(hand, { position: [0, -gap, 0], quatWxyz: STILL }),
    { position: world.cube, quatWxyz: turned(0) },
    { position: [0.36, 0.16, 0.025], quatWxyz: [0.93, 0, 0, 0.37] },
    { position: world.plate, quatWxyz: STILL },
  ];
  const poses = new Float64Array(BODIES.length * 7);
  for (const [index, { position, quatWxyz }] of bodies.entries()) {
    poses.set([...position, ...quatWxyz], index * 7);
  }
  return { poses, joints: [yaw, shoulder, fore - shoulder, Math.PI - fore] };
}

/** `uint8[size, size, 3]`: one ray per pixel, one light, no shadow. */
export function renderCamera(name: string, poses: Float64Array, size: number): Uint8Array {
  const camera = SCENE.cameras.find((candidate) => candidate.name === name)!;
  const bodyPose = (body: string): Pose => {
    const at = BODIES.indexOf(body) * 7;
    const [x, y, z, qw, qx, qy, qz] = poses.subarray(at, at + 7);
    return { position: [x!, y!, z!], quatWxyz: [qw!, qx!, qy!, qz!] };
  };
  const worldFromCamera = composePoses(bodyPose(camera.body), camera);
  const parts = SCENE.geoms.map(({ body, shape, position, quatWxyz, rgba }) => {
    const worldFromGeom = composePoses(bodyPose(body), { position, quatWxyz });
    const geomFromCamera = composePoses(invertPose(worldFromGeom), worldFromCamera);
    return { shape, rgba, worldFromGeom, geomFromCamera };
  });
  const image = new Uint8Array(size * size * 3);
  const half = Math.tan(camera.fovyRad / 2);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const ray: Vec3 = [
        ((2 * column + 1) / size - 1) * half,
        (1 - (2 * row + 1) / size) * half,
        -1,
      ];
      let nearest = Infinity;
      let color: readonly number[] = [0.72, 0.78, 0.84];
      for (const part of parts) {
        const direction = rotateVec3(part.geomFromCamera.quatWxyz, ray);
        const hit = intersect(part.shape, part.geomFromCamera.position, direction);
        if (hit === undefined || hit.distance >= nearest) continue;
        nearest = hit.distance;
        const normal = rotateVec3(part.worldFromGeom.quatWxyz, hit.normal);
        const light =
          0.55 + 0.45 * Math.max(0, 0.35 * normal[0] - 0.45 * normal[1] + 0.82 * normal[2]);
        color = part.rgba.slice(0, 3).map((channel) => channel * light);
      }
      image.set(
        color.map((channel) => Math.round(255 * channel)),
        (row * size + column) * 3,
      );
    }
  }
  return image;
}

interface Hit {
  readonly distance: number;
  readonly normal: Vec3;
}

/** Nearest hit in front of `from`, in the geom's frame. Capsules and cylinders are taken as boxes with round sides. */
function intersect(shape: SceneGeom["shape"], from: Vec3, ray: Vec3): Hit | undefined {
  switch (shape.kind) {
    case "plane": {
      const distance = -from[2] / ray[2];
      return distance > 1e-6 && Number.isFinite(distance)
        ? { distance, normal: [0, 0, 1] }
        : undefined;
    }
    case "sphere":
      return hitSphere(shape.radius, from, ray);
    case "box":
      return hitBox(shape.halfExtents, from, ray);
    case "cylinder":
      return hitRound(shape, from, ray);
    case "capsule": {
      const { radius, halfLength } = shape;
      const ends = [halfLength, -halfLength].map((z) =>
        hitSphere(radius, [from[0], from[1], from[2] - z], ray),
      );
      return nearestOf([hitRound(shape, from, ray), ...ends]);
    }
    case "ellipsoid":
    case "mesh":
      throw new RangeError(`Cannot cast a ray: there is a ${shape.kind}, must be a simple shape`);
  }
}

function nearestOf(hits: readonly (Hit | undefined)[]): Hit | undefined {
  return hits.reduce<Hit | undefined>(
    (best, hit) =>
      hit !== undefined && (best === undefined || hit.distance < best.distance) ? hit : best,
    undefined,
  );
}

function hitSphere(radius: number, from: Vec3, ray: Vec3): Hit | undefined {
  const a = ray[0] ** 2 + ray[1] ** 2 + ray[2] ** 2;
  const b = from[0] * ray[0] + from[1] * ray[1] + from[2] * ray[2];
  const c = from[0] ** 2 + from[1] ** 2 + from[2] ** 2 - radius ** 2;
  const root = b * b - a * c;
  const distance = (-b - Math.sqrt(root)) / a;
  if (!(root >= 0) || distance <= 1e-6) return undefined;
  const at = (axis: 0 | 1 | 2): number => (from[axis] + ray[axis] * distance) / radius;
  return { distance, normal: [at(0), at(1), at(2)] };
}

function hitBox(half: Vec3, from: Vec3, ray: Vec3): Hit | undefined {
  let enter = -Infinity;
  let leave = Infinity;
  let normal: Vec3 = [0, 0, 1];
  for (const axis of [0, 1, 2] as const) {
    const near = (-Math.sign(ray[axis]) * half[axis] - from[axis]) / ray[axis];
    const far = (Math.sign(ray[axis]) * half[axis] - from[axis]) / ray[axis];
    if (near > enter) {
      enter = near;
      const facing = -Math.sign(ray[axis]);
      normal = [axis === 0 ? facing : 0, axis === 1 ? facing : 0, axis === 2 ? facing : 0];
    }
    leave = Math.min(leave, far);
  }
  return enter <= leave && enter > 1e-6 ? { distance: enter, normal } : undefined;
}

/** The side and, for a cylinder, the caps. */
function hitRound(
  {
    kind,
    radius,
    halfLength,
  }: { kind: "cylinder" | "capsule"; radius: number; halfLength: number },
  from: Vec3,
  ray: Vec3,
): Hit | undefined {
  const a = ray[0] ** 2 + ray[1] ** 2;
  const b = from[0] * ray[0] + from[1] * ray[1];
  const c = from[0] ** 2 + from[1] ** 2 - radius ** 2;
  const root = b * b - a * c;
  if (root < 0) return undefined;
  const side = (-b - Math.sqrt(root)) / a;
  const z = from[2] + ray[2] * side;
  const hits: (Hit | undefined)[] = [];
  if (side > 1e-6 && Math.abs(z) <= halfLength) {
    const at = (axis: 0 | 1): number => (from[axis] + ray[axis] * side) / radius;
    hits.push({ distance: side, normal: [at(0), at(1), 0] });
  }
  if (kind === "cylinder") {
    const facing = -Math.sign(ray[2]);
    const cap = (facing * halfLength - from[2]) / ray[2];
    const inside = Math.hypot(from[0] + ray[0] * cap, from[1] + ray[1] * cap) <= radius;
    if (cap > 1e-6 && inside) hits.push({ distance: cap, normal: [0, 0, facing] });
  }
  return nearestOf(hits);
}
