import { lstat, readdir, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { messageOf } from "../core/index.ts";

/**
 * A file of a package by its path in the manifest. Packages come from anywhere, so a path must not
 * lead out of the folder: not by `..`, not by being absolute, not by a symbolic link.
 * @throws {RangeError} if it does, or is no regular file
 */
export async function resolveInside(folder: string, relative: string): Promise<string> {
  const refuse = (what: string, cause?: unknown): never => {
    throw new RangeError(
      `Cannot open ${JSON.stringify(relative)} of policy package ${folder}: ${what}`,
      { cause },
    );
  };
  assertPlainPath(relative, refuse);
  const root = await realpath(folder);
  const target = await realpath(join(root, relative)).catch((error: unknown) =>
    refuse(`${messageOf(error)}, must be a file`, error),
  );
  if (!target.startsWith(root + sep)) refuse("it is outside the folder, must be inside");
  if (!(await lstat(target)).isFile()) refuse("it is no regular file, must be one");
  return target;
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
