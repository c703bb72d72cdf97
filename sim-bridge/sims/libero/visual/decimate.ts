/**
 * Reduces the meshes of a scene to a budget of triangles, with one allowed error for the whole scene: larger for what
 * hardly shows, smaller for what is looked at. Edge collapse by quadric error with normals and texture coordinates
 * (Garland and Heckbert 1998; `meshoptimizer`).
 */
import { MeshoptSimplifier } from "meshoptimizer";
import type { IndexedMesh } from "./mesh-file.ts";

/** Allowed errors, m: steps of a quarter octave, so that scenes share meshes. */
const SMALLEST_ERROR_M = 1e-6;
const STEPS_PER_OCTAVE = 4;
const LAST_STEP = 58;

/** How much of the scene's allowed error a mesh may have, in steps of the ladder (4 = twice as much). */
const STEPS = { pedestal: 4, arm: 0, hand: -6, thing: -7 } as const;

/**
 * What is near the wrist camera or is to be manipulated counts most; the pedestal least. By the body a mesh is fixed
 * to, in robosuite's names.
 */
export function errorSteps(body: string): number {
  if (body.startsWith("mount0")) return STEPS.pedestal;
  if (/^(gripper0|robot0_link7|robot0_right_hand)/.test(body)) return STEPS.hand;
  return body.startsWith("robot0") ? STEPS.arm : STEPS.thing;
}

/** A mesh of a scene, and how often it is drawn. */
export interface SceneMesh {
  readonly path: string;
  readonly steps: number;
  readonly uses: number;
}

/** What is left of a scene's meshes, in their order. */
export interface DecimatedScene {
  readonly triangles: number;
  readonly steps: readonly number[];
}

/** Weight of normals against positions, m: a normal that is off by 1 counts like a surface 3 cm away. */
const NORMAL_WEIGHT_M = 0.03;
const TEXCOORD_WEIGHT = 0.5;
/** Corners at one place whose normals are within 11 degrees become one vertex. */
const WELD_COSINE = 0.98;

/** Decimated meshes, each made once. */
export class Decimator {
  readonly #source: (path: string) => IndexedMesh;
  readonly #welded = new Map<string, IndexedMesh>();
  readonly #made = new Map<string, IndexedMesh>();

  /** @param source brings the full mesh of a path */
  constructor(source: (path: string) => IndexedMesh) {
    this.#source = source;
  }

  /** Must be awaited before anything else. */
  static ready(): Promise<void> {
    return MeshoptSimplifier.ready;
  }

  /** Finds the smallest step of the ladder at which the scene has at most `budget` triangles. */
  fit(meshes: readonly SceneMesh[], budget: number): DecimatedScene {
    let [low, high] = [-1, LAST_STEP];
    while (high - low > 1) {
      const step = (low + high) >> 1;
      if (this.#triangles(meshes, step) > budget) low = step;
      else high = step;
    }
    const steps = meshes.map((mesh) => clampStep(high + mesh.steps));
    return { triangles: this.#triangles(meshes, high), steps };
  }

  /** The mesh with the allowed error of a step. */
  mesh(path: string, step: number): IndexedMesh {
    const key = `${path} ${step}`;
    let made = this.#made.get(key);
    if (made === undefined) {
      let welded = this.#welded.get(path);
      if (welded === undefined) this.#welded.set(path, (welded = weld(this.#source(path))));
      made = simplify(welded, SMALLEST_ERROR_M * 2 ** (step / STEPS_PER_OCTAVE));
      this.#made.set(key, made);
    }
    return made;
  }

  #triangles(meshes: readonly SceneMesh[], step: number): number {
    return meshes.reduce(
      (sum, { path, steps, uses }) =>
        sum + (uses * this.mesh(path, clampStep(step + steps)).indices.length) / 3,
      0,
    );
  }
}

function clampStep(step: number): number {
  return Math.min(Math.max(step, 0), LAST_STEP);
}

function simplify(mesh: IndexedMesh, errorM: number): IndexedMesh {
  const { positions, normals, texcoords, indices } = mesh;
  if (indices.length === 0) return mesh;
  const n = positions.length / 3;
  const columns = texcoords === undefined ? 3 : 5;
  const attributes = new Float32Array(columns * n);
  for (let i = 0; i < n; i++) {
    attributes.set(normals.subarray(3 * i, 3 * i + 3), columns * i);
    if (texcoords !== undefined) {
      attributes.set(texcoords.subarray(2 * i, 2 * i + 2), columns * i + 3);
    }
  }
  // Weights are relative to the size of the mesh.
  const normal = NORMAL_WEIGHT_M / MeshoptSimplifier.getScale(positions, 3);
  const weights = [normal, normal, normal, TEXCOORD_WEIGHT, TEXCOORD_WEIGHT].slice(0, columns);
  const [kept] = MeshoptSimplifier.simplifyWithAttributes(
    ...([indices, positions, 3, attributes, columns, weights, null, 0, errorM] as const),
    // The files are split along nearly every edge: without Permissive, seams stay whole.
    ["ErrorAbsolute", "Prune", "Permissive"],
  );
  return compact(mesh, kept);
}

/** Only the vertices that triangles use. */
function compact(mesh: IndexedMesh, indices: Uint32Array): IndexedMesh {
  const place = new Map<number, number>();
  const renumbered = Uint32Array.from(indices, (index) => {
    let to = place.get(index);
    if (to === undefined) place.set(index, (to = place.size));
    return to;
  });
  const pick = (rows: Float32Array, columns: number): Float32Array => {
    const out = new Float32Array(columns * place.size);
    for (const [from, to] of place) {
      out.set(rows.subarray(columns * from, columns * (from + 1)), columns * to);
    }
    return out;
  };
  return {
    positions: pick(mesh.positions, 3),
    normals: pick(mesh.normals, 3),
    texcoords: mesh.texcoords === undefined ? undefined : pick(mesh.texcoords, 2),
    indices: renumbered,
  };
}

/** Merges vertices that share a place (and texture coordinates) and nearly share a normal. */
export function weld(mesh: IndexedMesh): IndexedMesh {
  const { positions, normals, texcoords } = mesh;
  const n = positions.length / 3;
  const at = new Map<string, number[]>();
  const first: number[] = [];
  const sums: number[] = [];
  const target = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    const place = [0, 1, 2].map((axis) => Math.round(positions[3 * i + axis]! * 1e6));
    const image =
      texcoords === undefined ? [] : [0, 1].map((k) => Math.round(texcoords[2 * i + k]! * 1e4));
    const key = [...place, ...image].join();
    const here = at.get(key) ?? [];
    if (here.length === 0) at.set(key, here);
    const normal = normals.subarray(3 * i, 3 * i + 3);
    let found = here.find((j) => cosine(normal, sums.slice(3 * j, 3 * j + 3)) > WELD_COSINE);
    if (found === undefined) {
      found = first.length;
      here.push(found);
      first.push(i);
      sums.push(0, 0, 0);
    }
    for (let axis = 0; axis < 3; axis++) sums[3 * found + axis]! += normal[axis]!;
    target[i] = found;
  }
  const merged: number[] = [];
  for (let corner = 0; corner < mesh.indices.length; corner += 3) {
    const [a, b, c] = [0, 1, 2].map((k) => target[mesh.indices[corner + k]!]!);
    if (a !== b && b !== c && a !== c) merged.push(a!, b!, c!);
  }
  return {
    positions: Float32Array.from(first.flatMap((i) => [...positions.subarray(3 * i, 3 * i + 3)])),
    normals: Float32Array.from(normalised(sums)),
    texcoords:
      texcoords === undefined
        ? undefined
        : Float32Array.from(first.flatMap((i) => [...texcoords.subarray(2 * i, 2 * i + 2)])),
    indices: Uint32Array.from(merged),
  };
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const dot = a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!;
  return dot / (Math.hypot(a[0]!, a[1]!, a[2]!) * Math.hypot(b[0]!, b[1]!, b[2]!) || 1);
}

function normalised(rows: readonly number[]): number[] {
  const out: number[] = [];
  for (let i = 0; i < rows.length; i += 3) {
    const length = Math.hypot(rows[i]!, rows[i + 1]!, rows[i + 2]!) || 1;
    out.push(rows[i]! / length, rows[i + 1]! / length, rows[i + 2]! / length);
  }
  return out;
}
