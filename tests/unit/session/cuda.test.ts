import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { engineFolder, listCudaParts } from "../../../src/session/index.ts";
import { neededLibraries } from "../../../src/session/elf.ts";

const linux = process.platform === "linux" && process.arch === "x64";
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "efference-cuda-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("neededLibraries()", () => {
  it.runIf(linux)("reads what a library is linked with", () => {
    const needed = neededLibraries(join(engineFolder(), "onnxruntime_binding.node"));
    expect(needed).toContain("libonnxruntime.so.1");
    expect(needed).toContain("libc.so.6");
  });

  it("refuses what is no such file", () => {
    const path = join(folder, "text");
    writeFileSync(path, "x".repeat(100));
    expect(() => neededLibraries(path)).toThrow("must be that of 64-bit ELF");
    writeFileSync(path, "short");
    expect(() => neededLibraries(path)).toThrow("it is cut off");
  });
});

describe.runIf(linux)("listCudaParts()", () => {
  const LIBRARIES = [
    "libcudart.so.13",
    "libcublas.so.13",
    "libcublasLt.so.13",
    "libcurand.so.10",
    "libcufft.so.12",
    "libnvrtc.so.13",
    "libcudnn.so.9",
  ];
  const before = process.env["LD_LIBRARY_PATH"];
  afterEach(() => {
    if (before === undefined) delete process.env["LD_LIBRARY_PATH"];
    else process.env["LD_LIBRARY_PATH"] = before;
  });

  it("lists driver, provider and libraries, with advice for what is missing and only for that", () => {
    const parts = listCudaParts();
    expect(parts.map(({ name }) => name)).toEqual([
      "NVIDIA driver",
      "onnxruntime's CUDA provider",
      "CUDA libraries",
    ]);
    for (const { usable, advice, found } of parts) {
      expect(advice === "").toBe(usable);
      expect(found).not.toBe("");
    }
  });

  it("finds libraries where the loader would, and names the packages of the missing ones alone", () => {
    for (const library of LIBRARIES) writeFileSync(join(folder, library), "");
    process.env["LD_LIBRARY_PATH"] = folder;
    expect(listCudaParts()[2]).toMatchObject({ usable: true, advice: "" });
    rmSync(join(folder, "libcudnn.so.9"));
    const [, , libraries] = listCudaParts();
    expect(libraries?.found).toBe("not in the loader's paths: libcudnn.so.9");
    expect(libraries?.advice).toMatch(/^pip install 'nvidia-cudnn-cu13~=9.0'\n/);
  });
});
