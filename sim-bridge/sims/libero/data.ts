/**
 * LIBERO's exported data: an index and, for each task, its scene, problem, initial states and names. What
 * the files are and who writes them: README.md. Knows no disk: a `LiberoFiles` brings bytes.
 */
import { z } from "zod";

/** Brings files of the data folder, by their path below it. Rejects if there is none. */
export interface LiberoFiles {
  /** What the folder is to people: a path or an address. */
  readonly place: string;
  read(path: string): Promise<Uint8Array>;
}

export const LIBERO_SUITES = ["spatial", "object", "goal", "10", "90"] as const;
export type LiberoSuite = (typeof LIBERO_SUITES)[number];

export const INDEX_FILE = "libero.json";
/** Brings the data: said wherever some are missing. */
export const PREPARE = "efference libero prepare";

const path = z
  .string()
  .regex(/^(?!.*(?:^|\/)\.\.?(?:\/|$))[^/\\][^\\]*$/, "must be relative and stay inside");
const taskSchema = z.object({
  suite: z.enum(LIBERO_SUITES),
  /** Official order within the suite, from 0. */
  index: z.int().min(0),
  /** Official name: that of its BDDL file. */
  name: z.string().min(1),
  language: z.string().min(1),
  folder: path,
  problem: z.string(),
});
const indexSchema = z.object({
  format: z.literal("efference_libero"),
  format_version: z.literal(1),
  source: z.looseObject({
    package: z.string(),
    version: z.string(),
    robosuite: z.string(),
    mujoco: z.string(),
  }),
  tasks: z.array(taskSchema).min(1),
  visual: z.looseObject({ format_version: z.int(), levels: z.array(z.string()) }).nullable(),
  files: z.record(path, z.object({ bytes: z.int().min(0), sha256: z.string().length(64) })),
});

export type LiberoIndex = z.infer<typeof indexSchema>;
export type LiberoTask = LiberoIndex["tasks"][number];

const vec3 = z.tuple([z.number(), z.number(), z.number()]);
const thingSchema = z.object({
  cls: z.string(),
  root: z.string(),
  joints: z.array(z.string()),
  contact_geoms: z.array(z.string()),
  art: z
    .object({
      default_open_ranges: z.array(z.number()).nullish(),
      default_close_ranges: z.array(z.number()).nullish(),
      default_turnon_ranges: z.array(z.number()).nullish(),
      default_turnoff_ranges: z.array(z.number()).nullish(),
    })
    .partial()
    .nullish(),
});
const metaSchema = z.object({
  nq: z.int(),
  nv: z.int(),
  sites: z.record(
    z.string(),
    z.object({ parent: z.string().nullable(), size: vec3, joints: z.array(z.string()) }),
  ),
  fixtures: z.record(z.string(), thingSchema),
  objects: z.record(z.string(), thingSchema),
  arm: z.object({ site: z.string(), initial_joint: z.array(z.number()).length(7) }),
});
export type LiberoMeta = z.infer<typeof metaSchema>;
export type LiberoThing = z.infer<typeof thingSchema>;

/**
 * Reads the index.
 * @throws {RangeError} if there is none, naming the command that makes it
 * @throws {SyntaxError} if it is another kind of file, or of another version
 */
export async function readIndex(files: LiberoFiles): Promise<LiberoIndex> {
  let bytes: Uint8Array;
  try {
    bytes = await files.read(INDEX_FILE);
  } catch (cause) {
    throw new RangeError(
      `Cannot open LIBERO: ${files.place} has no ${INDEX_FILE}, must be made by "${PREPARE}"`,
      { cause },
    );
  }
  return parseJson(indexSchema, bytes, `${files.place}/${INDEX_FILE}`);
}

/** @throws {SyntaxError} naming what is wrong */
export function readMeta(bytes: Uint8Array, name: string): LiberoMeta {
  return parseJson(metaSchema, bytes, name);
}

/**
 * Reads JSON of a known form.
 * @throws {SyntaxError} naming what is wrong
 */
export function parseJson<T>(schema: z.ZodType<T>, bytes: Uint8Array, name: string): T {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new SyntaxError(`Cannot read ${name}: it is no JSON`, { cause });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const places = result.error.issues.map(({ path: at, message }) => `${at.join(".")}: ${message}`);
  throw new SyntaxError(`Cannot read ${name}: ${places.slice(0, 5).join("; ")}`);
}

/** A line for each file, sorted: two lists that are equal name the same contents. */
export function fileListing(files: LiberoIndex["files"]): string {
  return Object.entries(files)
    .map(([path, { sha256 }]) => `${path} ${sha256}\n`)
    .sort()
    .join("");
}

/** One promise for all who ask; a failed one is forgotten. */
export function remembered<T>(
  known: Map<string, Promise<T>>,
  key: string,
  make: () => Promise<T>,
): Promise<T> {
  let value = known.get(key);
  if (value === undefined) {
    value = make();
    known.set(key, value);
    value.catch(() => known.delete(key));
  }
  return value;
}
