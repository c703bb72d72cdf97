import { lstat, readFile, readdir, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { messageOf } from "../core/index.ts";
import type { PackageFiles } from "./files.ts";
import { assertPlainPath, refusePath } from "./files.ts";

/**
 * A file of a package by its path in the manifest. Packages come from anywhere, so a path must not
 * lead out of the folder: not by `..`, not by being absolute, not by a symbolic link.
 * @throws {RangeError} if it does, or is no regular file
 */
export async function resolveInside(folder: string, relative: string): Promise<string> {
  const refuse = refusePath(folder, relative);
  assertPlainPath(relative, refuse);
  const root = await realpath(folder);
  const target = await realpath(join(root, relative)).catch((error: unknown) =>
    refuse(`${messageOf(error)}, must be a file`, error),
  );
  if (!target.startsWith(root + sep)) refuse("it is outside the folder, must be inside");
  if (!(await lstat(target)).isFile()) refuse("it is no regular file, must be one");
  return target;
}

/** The files of a package in a folder. */
export function packageFolder(folder: string): PackageFiles {
  return {
    place: folder,
    async read(path) {
      const file = await resolveInside(folder, path).catch((error: unknown) => {
        if (isAbsence(error)) return undefined;
        throw error;
      });
      return file === undefined ? undefined : readFile(file);
    },
  };
}

/** Nothing of that name, as against something that may not be read. */
function isAbsence(error: unknown): boolean {
  const cause = error instanceof RangeError ? (error.cause as { code?: unknown } | undefined) : {};
  return cause?.code === "ENOENT";
}

/**
 * Every file of a folder, relative, with `/`, in the order of their UTF-16 code units.
 * @throws {RangeError} for anything that is neither a file nor a folder
 */
export async function listFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  const visit = async (prefix: string): Promise<void> => {
    for (const entry of await readdir(join(folder, prefix), { withFileTypes: true })) {
      const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
      if (entry.isDirectory()) await visit(path);
      else if (entry.isFile()) files.push(path);
      else {
        throw new RangeError(
          `Cannot list policy package ${folder}: ${path} is a link or a device, must be a file or a folder`,
        );
      }
    }
  };
  await visit("");
  return files.sort();
}
