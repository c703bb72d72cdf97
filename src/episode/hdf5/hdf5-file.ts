/** HDF5 files, by the HDF Group's library in WebAssembly. Whole datasets of one shape, and attributes. */
import { rename, rm } from "node:fs/promises";
import type { Group } from "h5wasm/node";
import { messageOf } from "../../core/index.ts";

/** Numbers of one shape, row-major. */
export interface Hdf5Array {
  readonly shape: readonly number[];
  readonly data: Uint8Array | Float64Array;
}

export type Hdf5Attribute = string | number | Float64Array;

/** A group with all that it holds. */
export interface Hdf5Group {
  readonly attributes?: Readonly<Record<string, Hdf5Attribute>>;
  readonly groups?: Readonly<Record<string, Hdf5Group>>;
  readonly arrays?: Readonly<Record<string, Hdf5Array>>;
}

/** A file that is being written; there under its own name only when it is complete. */
export interface Hdf5Writer {
  /** @throws {TypeError} if an array has another size than its shape */
  addGroup(path: string, group: Hdf5Group): void;
  setAttributes(path: string, attributes: Readonly<Record<string, Hdf5Attribute>>): void;
  /** Closes the file and gives it its name. */
  end(): Promise<void>;
  /** Removes what was written. Does nothing after `end`. */
  discard(): Promise<void>;
}

/**
 * @param path a file of that name is replaced in the end
 * @throws {Error} if it cannot be written there
 */
export async function createHdf5(path: string): Promise<Hdf5Writer> {
  const { File, ready } = await import("h5wasm/node");
  // Otherwise the library prints what goes wrong and goes on: a full disk would end as a complete file of zeros.
  (await ready).activate_throwing_error_handler();
  const partial = `${path}.partial`;
  const checked = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      if (cause instanceof TypeError) throw cause;
      throw new Error(`Cannot write "${path}": ${reasonOf(cause)}`, { cause });
    }
  };
  const file = checked(() => new File(partial, "w"));
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    checked(() => file.close());
  };
  return {
    addGroup: (at, group) => checked(() => fill(file.create_group(at), group)),
    setAttributes: (at, attributes) =>
      checked(() => {
        setAttributes(file.get(at) as Group, attributes);
      }),
    async end() {
      try {
        close();
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
      await rename(partial, path);
    },
    async discard() {
      if (!open) return;
      try {
        close();
      } catch {
        // What cannot be completed is removed all the same; the library holds its descriptor to the process's end.
      }
      await rm(partial, { force: true });
    },
  };
}

/** Of the library's stack of errors only the operating system's word, where there is one. */
function reasonOf(error: unknown): string {
  const stack = messageOf(error);
  return /error message = '([^']+)'/.exec(stack)?.[1] ?? stack.split("\n")[0]!;
}

function fill(group: Group, { attributes = {}, arrays = {}, groups = {} }: Hdf5Group): void {
  setAttributes(group, attributes);
  for (const [name, { shape, data }] of Object.entries(arrays)) {
    const wanted = shape.reduce((product, size) => product * size, 1);
    if (data.length !== wanted) {
      throw new TypeError(
        `Cannot write array "${name}": it has ${data.length} numbers, must have ${shape.join(" x ")}`,
      );
    }
    group.create_dataset({ name, data, shape: [...shape] });
  }
  for (const [name, inner] of Object.entries(groups)) fill(group.create_group(name), inner);
}

function setAttributes(group: Group, attributes: Readonly<Record<string, Hdf5Attribute>>): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "string") group.create_attribute(name, value);
    else if (typeof value === "number") {
      group.create_attribute(name, value, null, Number.isInteger(value) ? "<q" : "<d");
    } else group.create_attribute(name, value, [value.length]);
  }
}
