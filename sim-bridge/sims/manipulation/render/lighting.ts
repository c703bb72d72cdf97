import { LIGHT_TYPE } from "./types.ts";
import type { BodyPoses, RenderModel } from "./types.ts";
import { POSE_STRIDE } from "./pose.ts";
import { SPECULAR_STEPS } from "./scene.ts";
import type { RenderScene } from "./scene.ts";
import type { VertexBuffer } from "./vertices.ts";

/** A light in the world frame; a class so that all have one hidden layout in the per-vertex loop. */
export class PlacedLight {
  readonly isDirectional: boolean;
  readonly position = new Float64Array(3);
  /** Unit, from the light outward. */
  readonly direction = new Float64Array(3);
  readonly attenuation: Float64Array;
  /** Cosine of the cone's half angle; -2 = shines all round. */
  readonly cutoffCosine: number;
  readonly exponent: number;
  readonly ambient: Float64Array;
  readonly diffuse: Float64Array;
  readonly specular: Float64Array;
  /** Row of the model's lights, -1 = the headlight. */
  readonly id: number;

  constructor(model: RenderModel, id: number) {
    const { lights, headlight } = model;
    const rgb = (rows: Float32Array): Float64Array =>
      Float64Array.from(rows.subarray(3 * id, 3 * id + 3));
    this.id = id;
    const isHeadlight = id < 0;
    this.isDirectional = isHeadlight || lights.type[id] === LIGHT_TYPE.directional;
    const isSpot = !isHeadlight && lights.type[id] === LIGHT_TYPE.spot;
    this.attenuation = isHeadlight ? Float64Array.of(1, 0, 0) : rgb(lights.attenuation);
    this.cutoffCosine = isSpot ? Math.cos((lights.cutoffDeg[id]! * Math.PI) / 180) : -2;
    this.exponent = isSpot ? lights.exponent[id]! : 0;
    this.ambient = Float64Array.from(isHeadlight ? headlight.ambient : rgb(lights.ambient));
    this.diffuse = Float64Array.from(isHeadlight ? headlight.diffuse : rgb(lights.diffuse));
    this.specular = Float64Array.from(isHeadlight ? headlight.specular : rgb(lights.specular));
  }

  place(model: RenderModel, poses: BodyPoses): void {
    const { lights } = model;
    const body = lights.bodyId[this.id]!;
    let lengthSquared = 0;
    for (let row = 0; row < 3; row++) {
      let offset = 0;
      let direction = 0;
      for (let column = 0; column < 3; column++) {
        const entry = poses.bodyXmat[9 * body + 3 * row + column]!;
        offset += entry * lights.pos[3 * this.id + column]!;
        direction += entry * lights.dir[3 * this.id + column]!;
      }
      this.position[row] = poses.bodyXpos[3 * body + row]! + offset;
      this.direction[row] = direction;
      lengthSquared += direction * direction;
    }
    const length = Math.sqrt(lengthSquared) || 1;
    for (let row = 0; row < 3; row++) this.direction[row] = this.direction[row]! / length;
  }
}

/** What the colours of a frame depend on. */
export interface LightingFrame {
  /** Pose of the camera, which carries the headlight. */
  readonly eye: Float64Array;
  /** World poses of the geoms, POSE_STRIDE numbers each. */
  readonly geomPoses: Float64Array;
  readonly poses: BodyPoses;
  /**
   * For what is seen in a mirror: where the camera's mirror image is, and the share of the diffuse light,
   * but not of highlights, that is mirrored. The lights are those of the world.
   */
  readonly mirrored?: { readonly eye: Float64Array; readonly reflectance: number };
}

/**
 * Colours of vertices under the lights of the scene, computed when first asked for in a frame.
 *
 * OpenGL's fixed-function lighting as MuJoCo uses it (OpenGL 1.5, section 2.14.1), per vertex:
 *
 *     colour = rgba (emission + sum_i a_i s_i (ambient_i + max(0, n.l) diffuse_i))
 *            + specular sum_i a_i s_i specular_i (n.h)^(128 shininess)      where n.l > 0
 *
 * with l towards the light, v towards the eye, h = (l + v) / |l + v|, attenuation
 * a = 1 / (c + b d + q d^2) and, for a spot, s = (-l.direction)^exponent inside the cone, else 0.
 * The headlight is directional along the camera's view. Colours are clamped to [0, 1] per vertex and
 * multiplied by the texture afterwards, highlights included.
 */
export class VertexLighting {
  /** Lit colours of the vertices asked for in this frame, on the scale 0-255, 3 per vertex. */
  colours: Float32Array;
  /** Those that shine, placed in the world by `begin`. */
  readonly lights: readonly PlacedLight[];
  readonly #scene: RenderScene;
  readonly #model: RenderModel;
  readonly #vertices: VertexBuffer;
  readonly #rgba: Float64Array;
  #litInFrame: Int32Array;
  #frame = 0;
  #eye: Float64Array = new Float64Array(POSE_STRIDE);
  #geomPoses: Float64Array = new Float64Array(0);
  #reflectance = 1;

  /** @param rgba colours of the geoms, 4 per row, read whenever a vertex is lit */
  constructor(
    model: RenderModel,
    scene: RenderScene,
    { vertices, rgba }: { vertices: VertexBuffer; rgba: Float64Array },
  ) {
    this.#rgba = rgba;
    this.#model = model;
    this.#scene = scene;
    this.#vertices = vertices;
    this.colours = new Float32Array(3 * scene.vertexCount);
    this.#litInFrame = new Int32Array(scene.vertexCount);
    const ids = Array.from({ length: model.lights.count }, (_, id) => id);
    const active = ids.filter((id) => model.lights.active[id] !== 0);
    this.lights = (model.headlight.active ? [-1, ...active] : active).map(
      (id) => new PlacedLight(model, id),
    );
  }

  /** Forgets the colours of the last frame. What is given is read until the next call. */
  begin({ eye, geomPoses, poses, mirrored }: LightingFrame): void {
    this.#frame++;
    this.#eye = mirrored?.eye ?? eye;
    this.#reflectance = mirrored?.reflectance ?? 1;
    this.#geomPoses = geomPoses;
    for (const light of this.lights) {
      if (light.id >= 0) {
        light.place(this.#model, poses);
        continue;
      }
      for (let row = 0; row < 3; row++) {
        light.position[row] = eye[row]!;
        light.direction[row] = -eye[3 + 3 * row + 2]!; // the camera looks along its -z
      }
    }
    if (this.#litInFrame.length < this.#vertices.count) this.#grow();
  }

  /** What `begin` was given. */
  get frame(): Pick<LightingFrame, "eye" | "geomPoses"> & { readonly reflectance: number } {
    return { eye: this.#eye, geomPoses: this.#geomPoses, reflectance: this.#reflectance };
  }

  /** Colours of the geoms, 4 per row. */
  get rgba(): Float64Array {
    return this.#rgba;
  }

  /** Makes `colours` valid for a vertex. */
  light(vertex: number): void {
    if (this.#litInFrame[vertex] === this.#frame) return;
    if (vertex >= this.#litInFrame.length) this.#grow();
    this.#litInFrame[vertex] = this.#frame;
    if (vertex >= this.#vertices.sceneCount) this.#mixParents(vertex);
    else this.#lightSceneVertex(vertex);
  }

  /** Lit colours are linear along an edge, as OpenGL clips them. */
  #mixParents(vertex: number): void {
    const index = vertex - this.#vertices.sceneCount;
    const a = this.#vertices.parentA[index]!;
    const b = this.#vertices.parentB[index]!;
    const fraction = this.#vertices.fraction[index]!;
    this.light(a);
    this.light(b);
    const { colours } = this;
    for (let channel = 0; channel < 3; channel++) {
      const from = colours[3 * a + channel]!;
      colours[3 * vertex + channel] = from + fraction * (colours[3 * b + channel]! - from);
    }
  }

  /** One long function on purpose: it runs for each visible vertex, and its terms share most numbers. */
  // eslint-disable-next-line max-lines-per-function -- innermost loop, see above
  #lightSceneVertex(vertex: number): void {
    const row = this.#scene.vertexGeom[vertex]!;
    const geom = this.#scene.geoms[row]!;
    const { positions, normals } = this.#scene;
    const pose = this.#geomPoses;
    const eye = this.#eye;
    const p = row * POSE_STRIDE;
    const r0 = pose[p + 3]!;
    const r1 = pose[p + 4]!;
    const r2 = pose[p + 5]!;
    const r3 = pose[p + 6]!;
    const r4 = pose[p + 7]!;
    const r5 = pose[p + 8]!;
    const r6 = pose[p + 9]!;
    const r7 = pose[p + 10]!;
    const r8 = pose[p + 11]!;
    const lx = positions[3 * vertex]!;
    const ly = positions[3 * vertex + 1]!;
    const lz = positions[3 * vertex + 2]!;
    const wx = pose[p]! + r0 * lx + r1 * ly + r2 * lz;
    const wy = pose[p + 1]! + r3 * lx + r4 * ly + r5 * lz;
    const wz = pose[p + 2]! + r6 * lx + r7 * ly + r8 * lz;
    const a = normals[3 * vertex]!;
    const b = normals[3 * vertex + 1]!;
    const c = normals[3 * vertex + 2]!;
    const nx = r0 * a + r1 * b + r2 * c;
    const ny = r3 * a + r4 * b + r5 * c;
    const nz = r6 * a + r7 * b + r8 * c;
    let vx = eye[0]! - wx;
    let vy = eye[1]! - wy;
    let vz = eye[2]! - wz;
    const viewLength = 1 / Math.sqrt(vx * vx + vy * vy + vz * vz || 1);
    vx *= viewLength;
    vy *= viewLength;
    vz *= viewLength;

    const { emission, specular, specularPower } = geom;
    const rgba = this.#rgba;
    const rgbaRed = rgba[4 * row]! * this.#reflectance;
    const rgbaGreen = rgba[4 * row + 1]! * this.#reflectance;
    const rgbaBlue = rgba[4 * row + 2]! * this.#reflectance;
    let red = emission * rgbaRed;
    let green = emission * rgbaGreen;
    let blue = emission * rgbaBlue;
    for (const light of this.lights) {
      const { position, direction } = light;
      let tx = -direction[0]!;
      let ty = -direction[1]!;
      let tz = -direction[2]!;
      let strength = 1;
      if (!light.isDirectional) {
        tx = position[0]! - wx;
        ty = position[1]! - wy;
        tz = position[2]! - wz;
        const distance = Math.sqrt(tx * tx + ty * ty + tz * tz) || 1;
        tx /= distance;
        ty /= distance;
        tz /= distance;
        const { attenuation } = light;
        strength =
          1 /
          (attenuation[0]! + attenuation[1]! * distance + attenuation[2]! * distance * distance);
        if (light.cutoffCosine > -2) {
          const cosine = -(tx * direction[0]! + ty * direction[1]! + tz * direction[2]!);
          if (cosine < light.cutoffCosine) continue;
          strength *= power(cosine, light.exponent);
        }
      }
      const { ambient, diffuse } = light;
      const facing = nx * tx + ny * ty + nz * tz;
      const lambert = facing > 0 ? facing : 0;
      red += rgbaRed * strength * (ambient[0]! + lambert * diffuse[0]!);
      green += rgbaGreen * strength * (ambient[1]! + lambert * diffuse[1]!);
      blue += rgbaBlue * strength * (ambient[2]! + lambert * diffuse[2]!);
      if (facing <= 0 || specular === 0) continue;
      const hx = tx + vx;
      const hy = ty + vy;
      const hz = tz + vz;
      const dot = nx * hx + ny * hy + nz * hz;
      if (dot <= 0) continue;
      const squared = (dot * dot) / (hx * hx + hy * hy + hz * hz);
      const step = (squared > 1 ? 1 : squared) * SPECULAR_STEPS;
      const whole = step | 0;
      const low = specularPower[whole]!;
      const high = whole < SPECULAR_STEPS ? specularPower[whole + 1]! : low;
      const shine = specular * strength * (low + (step - whole) * (high - low));
      red += shine * light.specular[0]!;
      green += shine * light.specular[1]!;
      blue += shine * light.specular[2]!;
    }
    const { colours } = this;
    colours[3 * vertex] = 255 * (red < 1 ? red : 1);
    colours[3 * vertex + 1] = 255 * (green < 1 ? green : 1);
    colours[3 * vertex + 2] = 255 * (blue < 1 ? blue : 1);
  }

  #grow(): void {
    const { sceneCount, clippedCount } = this.#vertices;
    const length = sceneCount + 2 * clippedCount;
    const colours = new Float32Array(3 * length);
    colours.set(this.colours);
    this.colours = colours;
    const lit = new Int32Array(length);
    lit.set(this.#litInFrame);
    this.#litInFrame = lit;
  }
}

/** `base ^ exponent`, by squaring where the exponent is a whole number, as it nearly always is. */
function power(base: number, exponent: number): number {
  if (exponent !== (exponent | 0) || exponent < 0) return Math.pow(base, exponent);
  let result = 1;
  for (let bits = exponent, square = base; bits > 0; bits >>= 1, square *= square) {
    if ((bits & 1) === 1) result *= square;
  }
  return result;
}
