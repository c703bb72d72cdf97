/** What CUDA needs on a machine, what of it is there, and how to get the rest by the names of packages. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../core/index.ts";
import { neededLibraries } from "./elf.ts";
import { ENGINE_VERSION, engineFolder } from "./engine.ts";

/** One thing that a device needs. */
export interface DevicePart {
  readonly name: string;
  /** Where it is, or what of it is not there. */
  readonly found: string;
  readonly usable: boolean;
  /** Commands or words that get what is missing; empty when usable. */
  readonly advice: string;
}

const SHARED = "libonnxruntime_providers_shared.so";
const PROVIDER = "libonnxruntime_providers_cuda.so";
const DRIVER = "libcuda.so.1";

/** PyPI's package of every library of NVIDIA's that the engine's provider is linked with. */
const PACKAGES: Readonly<Record<string, string>> = {
  "libcudart.so.13": "nvidia-cuda-runtime~=13.0",
  "libcublas.so.13": "nvidia-cublas~=13.0",
  "libcublasLt.so.13": "nvidia-cublas~=13.0",
  "libcurand.so.10": "nvidia-curand~=10.0",
  "libcufft.so.12": "nvidia-cufft~=12.0",
  "libnvrtc.so.13": "nvidia-cuda-nvrtc~=13.0",
  "libcudnn.so.9": "nvidia-cudnn-cu13~=9.0",
  // The provider that onnxruntime-node's install script fetches is built for CUDA 12.
  "libcudart.so.12": "nvidia-cuda-runtime-cu12~=12.0",
  "libcublas.so.12": "nvidia-cublas-cu12~=12.0",
  "libcublasLt.so.12": "nvidia-cublas-cu12~=12.0",
  "libcufft.so.11": "nvidia-cufft-cu12~=11.0",
  "libnvrtc.so.12": "nvidia-cuda-nvrtc-cu12~=12.0",
};
/** What the provider of the wheel below wants; asked of the file itself once it is there. */
const USUAL = [
  "libcudart.so.13",
  "libcublas.so.13",
  "libcublasLt.so.13",
  "libcurand.so.10",
  "libcufft.so.12",
  "libnvrtc.so.13",
  "libcudnn.so.9",
];

/** The provider's files that are not beside the engine. */
export function missingCudaProvider(): readonly string[] {
  return [SHARED, PROVIDER].filter((file) => !existsSync(join(engineFolder(), file)));
}

/** Driver, provider and libraries, in the order in which to get them. Empty where there is no CUDA at all. */
export function listCudaParts(): readonly DevicePart[] {
  if (process.platform !== "linux" || process.arch !== "x64") return [];
  return [driverPart(), providerPart(), librariesPart()];
}

function driverPart(): DevicePart {
  const found = findLibrary(DRIVER);
  return {
    name: "NVIDIA driver",
    found: found ?? `${DRIVER} is not there`,
    usable: found !== undefined,
    advice:
      found === undefined
        ? "install NVIDIA's driver, R580 or newer for CUDA 13 (Debian: nvidia-driver, from non-free); " +
          "in a container it comes from the host (NVIDIA Container Toolkit)"
        : "",
  };
}

function providerPart(): DevicePart {
  const name = "onnxruntime's CUDA provider";
  try {
    const missing = missingCudaProvider();
    const folder = engineFolder();
    if (missing.length === 0) return { name, found: folder, usable: true, advice: "" };
    const found = `${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} not in ${folder}`;
    return { name, found, usable: false, advice: providerAdvice(folder) };
  } catch (error) {
    return {
      name,
      found: messageOf(error),
      usable: false,
      advice: "install onnxruntime-node first",
    };
  }
}

/** The wheel is of the same commit as the engine, so its provider fits. */
function providerAdvice(folder: string): string {
  return [
    `pip download --no-deps onnxruntime-gpu==${ENGINE_VERSION}`,
    "unzip onnxruntime_gpu-*.whl 'onnxruntime/capi/libonnxruntime_providers_*' -d wheel",
    `cp wheel/onnxruntime/capi/{${SHARED},${PROVIDER}} ${folder}/`,
  ].join("\n");
}

function librariesPart(): DevicePart {
  const name = "CUDA libraries";
  const wanted = wantedLibraries();
  const missing = wanted.filter((library) => findLibrary(library) === undefined);
  if (missing.length === 0) {
    return { name, found: wanted.join(", "), usable: true, advice: "" };
  }
  const packages = new Set(missing.flatMap((library) => PACKAGES[library] ?? []));
  const quoted = [...packages].map((each) => `'${each}'`).join(" ");
  return {
    name,
    found: `not in the loader's paths: ${missing.join(", ")}`,
    usable: false,
    advice: [
      `pip install ${quoted}`,
      "SITE=$(python3 -c 'import site; print(site.getsitepackages()[0])')",
      "export LD_LIBRARY_PATH=$(printf '%s:' $SITE/nvidia/*/lib)$LD_LIBRARY_PATH",
    ].join("\n"),
  };
}

/** NVIDIA's libraries that the provider names, or those that it is known to name while it is not there. */
function wantedLibraries(): readonly string[] {
  try {
    const needed = neededLibraries(join(engineFolder(), PROVIDER));
    return needed.filter((library) => Object.hasOwn(PACKAGES, library));
  } catch {
    return USUAL;
  }
}

/** Where the dynamic loader would find a library; `undefined` = nowhere. */
function findLibrary(name: string): string | undefined {
  const given = (process.env["LD_LIBRARY_PATH"] ?? "").split(":").filter((path) => path !== "");
  const usual = ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"];
  const folder = [...given, ...usual].find((path) => existsSync(join(path, name)));
  if (folder !== undefined) return join(folder, name);
  const line = loaderCache().find((entry) => entry.trimStart().startsWith(`${name} `));
  return line?.split(" => ")[1];
}

let cache: readonly string[] | undefined;

/** The lines of the loader's cache; none where there is no such program (musl). */
function loaderCache(): readonly string[] {
  cache ??= String(spawnSync("/sbin/ldconfig", ["-p"], { encoding: "utf8" }).stdout).split("\n");
  return cache;
}
