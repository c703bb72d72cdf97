/** What is drawn of a task, as `visual.json` says it: written by the exporter from the scene MuJoCo itself would draw. */
import { z } from "zod";

const numbers = (length: number): z.ZodType<number[]> => z.array(z.number()).length(length);
const row = z.int().min(-1);

const shapeSchema = z.object({
  kind: z.enum(["geom", "site"]),
  name: z.string().nullable(),
  /** Body it is fixed to, by its name in the scene. */
  body: z.string(),
  /** `GEOM_TYPE` of the renderer. */
  type: z.int(),
  size: numbers(3),
  /** In the frame of the body: m, and wxyz. */
  pos: numbers(3),
  quat: numbers(4),
  rgba: numbers(4),
  material: row,
  mesh: row,
});
const materialSchema = z.object({
  rgba: numbers(4),
  emission: z.number(),
  specular: z.number(),
  shininess: z.number(),
  reflectance: z.number(),
  texture: row,
  texrepeat: numbers(2),
  texuniform: z.boolean(),
});
const lightSchema = z.object({
  type: z.int(),
  body: z.string(),
  active: z.boolean(),
  castshadow: z.boolean(),
  pos: numbers(3),
  dir: numbers(3),
  attenuation: numbers(3),
  cutoff: z.number(),
  exponent: z.number(),
  ambient: numbers(3),
  diffuse: numbers(3),
  specular: numbers(3),
});
const cameraSchema = z.object({
  name: z.string(),
  body: z.string(),
  pos: numbers(3),
  quat: numbers(4),
  /** Vertical, degrees. */
  fovy: z.number(),
});

export const VISUAL_VERSION = 1;
export const visualSchema = z
  .object({
    format_version: z.literal(VISUAL_VERSION),
    geoms: z.array(shapeSchema),
    materials: z.array(materialSchema),
    meshes: z.array(z.object({ path: z.string(), triangles: z.int().min(0) })),
    textures: z.array(
      z.object({ path: z.string(), type: z.int().min(0).max(2), srgb: z.boolean() }),
    ),
    lights: z.array(lightSchema),
    cameras: z.array(cameraSchema),
    headlight: z.object({
      active: z.boolean(),
      ambient: numbers(3),
      diffuse: numbers(3),
      specular: numbers(3),
    }),
    extent: z.number(),
    znear: z.number(),
    zfar: z.number(),
    quality: z.object({ slices: z.int(), stacks: z.int(), quads: z.int() }),
  })
  .refine(
    ({ geoms, meshes, materials, textures }) =>
      geoms.every(({ mesh, material }) => mesh < meshes.length && material < materials.length) &&
      materials.every(({ texture }) => texture < textures.length),
    "a shape or a material refers to a row that does not exist",
  );

/** Shapes, materials, lights and cameras of a task; meshes and textures by the path of their file. */
export type Visual = z.infer<typeof visualSchema>;
export type VisualShape = Visual["geoms"][number];
