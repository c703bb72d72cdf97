/** The files of a package, wherever they lie: in a folder (`paths.ts`), or behind a server's addresses. */
import { sha256Hex } from "../core/index.ts";
import type { ExternalData } from "../session/index.ts";
import { assertModel, externalFiles, readModel } from "../onnx/index.ts";
import type { Manifest } from "./manifest.ts";

export interface PackageFiles {
  /** For messages. */
  readonly place: string;
  /**
   * The whole file, by its path in the package; undefined if there is none.
   * @throws {RangeError} for a path that leads out of the package
   */
  read(path: string): Promise<Uint8Array | undefined>;
}

/** @throws {RangeError} if there is no such file */
export async function readFrom(files: PackageFiles, path: string): Promise<Uint8Array> {
  const bytes = await files.read(path);
  if (bytes !== undefined) return bytes;
  return refusePath(files.place, path)("it is absent, must be a file");
}

/** @returns what throws a `RangeError` about a file of a package */
export function refusePath(place: string, path: string): (what: string, cause?: unknown) => never {
  return (what, cause) => {
    throw new RangeError(
      `Cannot open ${JSON.stringify(path)} of policy package ${place}: ${what}`,
      {
        cause,
      },
    );
  };
}

/** Segments of ordinary names with `/` between them; what every file system here takes literally. */
export function assertPlainPath(relative: string, refuse: (what: string) => never): void {
  const plain =
    relative !== "" &&
    relative.length <= 1024 &&
    !/[\\:\0]/.test(relative) &&
    relative.split("/").every((part) => part !== "" && part !== "." && part !== "..");
  if (!plain) refuse("it is no plain path, must be a relative path inside the folder");
}

/** The same files, each compared when it is read with the hash that the manifest has for it, if it has one. */
export function verified(files: PackageFiles, { efference }: Manifest): PackageFiles {
  const hashes = new Map(Object.entries(efference?.files ?? {}));
  return {
    place: files.place,
    async read(path) {
      const bytes = await files.read(path);
      const expected = hashes.get(path);
      if (bytes === undefined || expected === undefined) return bytes;
      assertHash(files.place, { path, expected, actual: await sha256Hex(bytes) });
      return bytes;
    },
  };
}

/** @throws {RangeError} unless both hashes are the same */
export function assertHash(
  place: string,
  { path, expected, actual }: Readonly<Record<"path" | "expected" | "actual", string>>,
): void {
  if (actual === expected) return;
  throw new RangeError(
    `Cannot read policy package ${place}: ${path} has hash ${actual}, must have ${expected} (it was changed after packing)`,
  );
}

/** A graph and the files that its tensors are stored in, in memory. */
export interface GraphFiles {
  readonly bytes: Uint8Array;
  readonly external: readonly ExternalData[];
}

/**
 * @throws {SyntaxError} if it is no valid model
 * @throws {RangeError} if it, or a file that it names, is not in the package
 */
export async function readGraph(files: PackageFiles, path: string): Promise<GraphFiles> {
  const bytes = await readFrom(files, path);
  const external = await Promise.all(
    externalOf(bytes).map(async (location) => ({
      path: location,
      data: await readFrom(files, besideGraph(path, location)),
    })),
  );
  return { bytes, external };
}

/** Checks a model. @returns locations of its external files, which count from its own folder */
export function externalOf(bytes: Uint8Array): readonly string[] {
  const model = readModel(bytes);
  assertModel(model);
  return externalFiles(model);
}

const besideGraph = (path: string, location: string): string =>
  path.slice(0, path.lastIndexOf("/") + 1) + location;
