import { z } from "zod";
import type { SceneDescription, SceneGraph, Thought } from "../../src/core/index.ts";
import { wireError } from "./errors.ts";
import type { WireLimits } from "./limits.ts";

/** Encodes a JSON field. @throws RangeError for a number JSON cannot hold or too deep a nesting */
export function encodeJson(value: unknown, what: string, limits: WireLimits): string {
  checkJson(value, { what, depthLeft: limits.maxJsonDepth });
  return JSON.stringify(value);
}

/** @throws SyntaxError for text that is not JSON, RangeError for too deep a nesting */
export function decodeJson(text: string, what: string, limits: WireLimits): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw wireError("malformed", `Cannot decode ${what}: its text is not JSON, must be`, cause);
  }
  checkJson(value, { what, depthLeft: limits.maxJsonDepth });
  return value;
}

function checkJson(value: unknown, { what, depthLeft }: { what: string; depthLeft: number }): void {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) {
      throw wireError(
        "non_finite",
        `Cannot accept ${what}: it has a number that is ${value}, must be finite`,
      );
    }
    return;
  }
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  // A member that is undefined is no member: JSON leaves it out.
  if (value === undefined) return;
  if (typeof value !== "object" || ArrayBuffer.isView(value)) {
    throw wireError(
      "bad_value",
      `Cannot accept ${what}: it has a ${typeof value} that JSON cannot hold, must be JSON`,
    );
  }
  if (depthLeft === 0) {
    throw wireError("too_large", `Cannot accept ${what}: it is nested too deeply, must be flatter`);
  }
  const members = Array.isArray(value) ? (value as unknown[]) : Object.values(value);
  for (const member of members) checkJson(member, { what, depthLeft: depthLeft - 1 });
}

const vec3 = z.tuple([z.number(), z.number(), z.number()]);
const vec4 = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const index = z.number().int().nonnegative();

const geomShape = z.discriminatedUnion("kind", [
  z.looseObject({ kind: z.literal("box"), halfExtents: vec3 }),
  z.looseObject({ kind: z.literal("sphere"), radius: z.number() }),
  z.looseObject({ kind: z.literal("ellipsoid"), radii: vec3 }),
  z.looseObject({ kind: z.literal("cylinder"), radius: z.number(), halfLength: z.number() }),
  z.looseObject({ kind: z.literal("capsule"), radius: z.number(), halfLength: z.number() }),
  z.looseObject({ kind: z.literal("plane"), halfExtents: z.tuple([z.number(), z.number()]) }),
  z.looseObject({
    kind: z.literal("mesh"),
    vertices: z.array(z.number()),
    triangles: z.array(index),
  }),
]);

const scene = z.looseObject({
  bodies: z.array(z.string()),
  geoms: z.array(
    z.looseObject({
      body: z.string(),
      shape: geomShape,
      position: vec3,
      quatWxyz: vec4,
      rgba: vec4,
    }),
  ),
  cameras: z.array(
    z.looseObject({
      name: z.string(),
      body: z.string(),
      position: vec3,
      quatWxyz: vec4,
      fovyRad: z.number(),
    }),
  ),
  gripperBody: z.string().optional(),
  actionPlace: z
    .looseObject({ component: z.string(), body: z.string(), metresPerUnit: z.number() })
    .optional(),
});

const box = z.looseObject({
  xMin: z.number(),
  yMin: z.number(),
  xMax: z.number(),
  yMax: z.number(),
});

const sceneGraph = z.looseObject({
  entities: z.array(
    z.looseObject({
      name: z.string(),
      kind: z.enum(["object", "fixture", "region"]),
      category: z.string(),
      position: vec3,
      quatWxyz: vec4,
      halfExtents: vec3,
      parent: z.string().optional(),
      joint: z
        .looseObject({
          value: z.number(),
          low: z.number(),
          high: z.number(),
          axis: vec3,
          kind: z.enum(["slide", "hinge"]),
          anchor: vec3.optional(),
        })
        .optional(),
      grasp: vec3.optional(),
      cuboids: z
        .array(z.looseObject({ position: vec3, quatWxyz: vec4, halfExtents: vec3 }))
        .optional(),
      boxes: z.record(z.string(), box),
    }),
  ),
  gripper: z.looseObject({
    position: vec3,
    quatWxyz: vec4,
    opening: z.number().min(0).max(1),
    holding: z.array(z.string()),
  }),
  goal: z.array(z.array(z.string())),
});

const numbers = z.array(z.number());

const knownThoughts: Readonly<Record<string, z.ZodType>> = {
  text: z.looseObject({ tag: z.string(), text: z.string() }),
  point: z.looseObject({ tag: z.string(), position: numbers }),
  scalar: z.looseObject({ tag: z.string(), value: z.number() }),
  refinement: z.looseObject({
    tag: z.string(),
    horizon: index,
    actionDim: index,
    steps: numbers,
    chunks: z.array(numbers),
    values: z.record(z.string(), numbers),
  }),
  slice: z.looseObject({
    tag: z.string(),
    axes: z
      .array(z.looseObject({ name: z.string(), at: numbers }))
      .min(1)
      .max(2),
    values: numbers,
    path: z.array(numbers),
  }),
};
const anyThought = z.looseObject({ kind: z.string() });

const info = z.record(z.string(), z.unknown());

/** The value itself is returned, not zod's copy: keys keep their order and unknown ones survive. */
function check<T>(schema: z.ZodType, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    const where =
      issue === undefined || issue.path.length === 0 ? "" : ` at ${issue.path.join(".")}`;
    throw wireError(
      "bad_value",
      `Cannot accept ${what}: ${issue?.message ?? "it has the wrong form"}${where}, must follow protocol.md`,
    );
  }
  return value as T;
}

export function checkScene(value: unknown): SceneDescription {
  return check<SceneDescription>(scene, value, "scene_json");
}

export function checkSceneGraph(value: unknown): SceneGraph {
  return check<SceneGraph>(sceneGraph, value, "privileged_json");
}

/** Kinds this version does not know pass as they are: the recorder and the viewer expect them. */
export function checkThoughts(value: unknown): readonly Thought[] {
  for (const thought of check<readonly Thought[]>(z.array(anyThought), value, "thoughts_json")) {
    const { kind } = thought;
    const known = Object.hasOwn(knownThoughts, kind) ? knownThoughts[kind] : undefined;
    if (known !== undefined) check(known, thought, `a ${kind} thought of thoughts_json`);
  }
  return value as readonly Thought[];
}

export function checkInfo(value: unknown): Readonly<Record<string, unknown>> {
  return check<Readonly<Record<string, unknown>>>(info, value, "info_json");
}
