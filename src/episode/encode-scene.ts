/** The scene of an episode as Foxglove's well-known messages: entities, transforms, calibrations. */
import type { ImageSpec, SceneCamera, SceneDescription, SceneGeom } from "../core/index.ts";
import { timestamp } from "./encode-step.ts";
import { cameraFrame } from "./topics.ts";

/** The root frame; every body's pose is given in it. */
const WORLD = "world";
/** How far an unbounded plane is drawn, m. */
const UNBOUNDED_HALF_EXTENT_M = 10;

interface Vector {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}
interface Quaternion extends Vector {
  readonly w: number;
}
interface Pose {
  readonly position: Vector;
  readonly orientation: Quaternion;
}
interface Primitives {
  readonly cubes: object[];
  readonly spheres: object[];
  readonly cylinders: object[];
  readonly triangles: object[];
}

const vector = (x: number, y: number, z: number): Vector => ({ x, y, z });

/** `foxglove.SceneUpdate`: one entity per body that has geoms, fixed to the frame of its body. */
export function sceneUpdateMessage(scene: SceneDescription, logTime: bigint): object {
  const byBody = new Map<string, Primitives>();
  for (const geom of scene.geoms) {
    const primitives = byBody.get(geom.body) ?? emptyPrimitives();
    byBody.set(geom.body, primitives);
    addGeom(geom, primitives);
  }
  const entities = [...byBody].map(([body, primitives]) => ({
    timestamp: timestamp(logTime),
    frame_id: body,
    id: body,
    lifetime: { seconds: 0, nanos: 0 }, // for ever
    frame_locked: true,
    ...primitives,
  }));
  return { deletions: [], entities };
}

function emptyPrimitives(): Primitives {
  return { cubes: [], spheres: [], cylinders: [], triangles: [] };
}

function addGeom(geom: SceneGeom, to: Primitives): void {
  const { shape } = geom;
  const [r, g, b, a] = geom.rgba;
  const color = { r, g, b, a };
  const pose = poseOf(geom);
  const place = { pose, color };
  switch (shape.kind) {
    case "box": {
      const [x, y, z] = shape.halfExtents;
      to.cubes.push({ ...place, size: vector(2 * x, 2 * y, 2 * z) });
      break;
    }
    case "sphere":
      to.spheres.push({ ...place, size: diameters(shape.radius) });
      break;
    case "ellipsoid": {
      const [x, y, z] = shape.radii;
      to.spheres.push({ ...place, size: vector(2 * x, 2 * y, 2 * z) });
      break;
    }
    case "cylinder":
      to.cylinders.push(cylinder(shape, place));
      break;
    case "capsule":
      to.cylinders.push(cylinder(shape, place));
      for (const end of [-1, 1]) {
        const position = along(pose, end * shape.halfLength);
        to.spheres.push({ color, pose: { ...pose, position }, size: diameters(shape.radius) });
      }
      break;
    case "plane":
      to.triangles.push({ ...place, ...rectangle(shape.halfExtents) });
      break;
    case "mesh":
      to.triangles.push({
        ...place,
        points: points(shape.vertices),
        colors: [],
        indices: shape.triangles,
      });
      break;
  }
}

function poseOf({ position: [x, y, z], quatWxyz }: Pick<SceneGeom, "position" | "quatWxyz">): Pose {
  const [qw, qx, qy, qz] = quatWxyz;
  return { position: vector(x, y, z), orientation: { x: qx, y: qy, z: qz, w: qw } };
}

function diameters(radius: number): Vector {
  return vector(2 * radius, 2 * radius, 2 * radius);
}

function cylinder(
  shape: { readonly radius: number; readonly halfLength: number },
  place: object,
): object {
  const size = vector(2 * shape.radius, 2 * shape.radius, 2 * shape.halfLength);
  return { ...place, size, bottom_scale: 1, top_scale: 1 };
}

/** The point at `distance` along the local z axis of a pose. */
function along({ position: p, orientation: { x, y, z, w } }: Pose, distance: number): Vector {
  return vector(
    p.x + distance * 2 * (x * z + w * y),
    p.y + distance * 2 * (y * z - w * x),
    p.z + distance * (1 - 2 * (x * x + y * y)),
  );
}

function rectangle(halfExtents: readonly [number, number]): object {
  const [x, y] = halfExtents.map((half) => (half > 0 ? half : UNBOUNDED_HALF_EXTENT_M)) as [
    number,
    number,
  ];
  const corners = [vector(-x, -y, 0), vector(x, -y, 0), vector(x, y, 0), vector(-x, y, 0)];
  return { points: corners, colors: [], indices: [0, 1, 2, 0, 2, 3] };
}

function points(flat: readonly number[]): Vector[] {
  return Array.from({ length: Math.floor(flat.length / 3) }, (_, i) =>
    vector(flat[3 * i]!, flat[3 * i + 1]!, flat[3 * i + 2]!),
  );
}

/**
 * `foxglove.FrameTransforms`: world from every body but `world` itself.
 *
 * @param poses `float64[bodies, 7]`: x y z (m), qw qx qy qz
 */
export function transformsMessage(
  bodies: readonly string[],
  poses: Float64Array,
  logTime: bigint,
): object {
  const stamp = timestamp(logTime);
  const transforms: object[] = [];
  for (const [i, body] of bodies.entries()) {
    if (body === WORLD) continue;
    const at = i * 7;
    transforms.push({
      timestamp: stamp,
      parent_frame_id: WORLD,
      child_frame_id: body,
      translation: { x: poses[at], y: poses[at + 1], z: poses[at + 2] },
      rotation: { w: poses[at + 3], x: poses[at + 4], y: poses[at + 5], z: poses[at + 6] },
    });
  }
  return { transforms };
}

/** The optical frame of every camera in the frame of its body; these never change. */
export function cameraTransformsMessage(scene: SceneDescription, logTime: bigint): object {
  const stamp = timestamp(logTime);
  const transforms = scene.cameras.map((camera) => {
    const { position, orientation } = poseOf(camera);
    return {
      timestamp: stamp,
      parent_frame_id: camera.body,
      child_frame_id: cameraFrame(camera.name),
      translation: position,
      rotation: opticalFromView(orientation),
    };
  });
  return { transforms };
}

/**
 * Scene cameras look along -z with y up, optical frames along +z with y down: half a turn about x,
 * multiplied from the right.
 */
function opticalFromView({ x, y, z, w }: Quaternion): Quaternion {
  return { x: w, y: z, z: -y, w: -x };
}

/** `foxglove.CameraCalibration` of an ideal pinhole: square pixels, centre in the middle. */
export function calibrationMessage(camera: SceneCamera, image: ImageSpec, logTime: bigint): object {
  const { width, height } = image;
  const focal = height / 2 / Math.tan(camera.fovyRad / 2);
  const [cx, cy] = [width / 2, height / 2];
  return {
    timestamp: timestamp(logTime),
    frame_id: cameraFrame(camera.name),
    width,
    height,
    distortion_model: "",
    D: [],
    K: [focal, 0, cx, 0, focal, cy, 0, 0, 1],
    R: [1, 0, 0, 0, 1, 0, 0, 0, 1],
    P: [focal, 0, cx, 0, 0, focal, cy, 0, 0, 0, 1, 0],
  };
}
