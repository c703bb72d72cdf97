/**
 * Policy packages in a browser: files from the server, graphs on the engine's WebAssembly. Loaded with all that it
 * imports only when a policy is to drive.
 */
import engineUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import * as onnxruntime from "onnxruntime-web/wasm";
import type { Policy, PolicySpec } from "../core/index.ts";
import { assemblePolicy, specOfPackage } from "../package/assemble-policy.ts";
import type { PackageFiles } from "../package/files.ts";
import { assertPlainPath, readFrom, readGraph, refusePath, verified } from "../package/files.ts";
import type { Manifest } from "../package/manifest.ts";
import { parseManifest } from "../package/manifest.ts";
import type { Engine } from "../session/engine-api.ts";
import { openWasmSession } from "../session/wasm-session.ts";
import type { PolicyPlace } from "../viewer/play-protocol.ts";
import type { Fetching } from "./fetching.ts";
import { AbsentFileError, addressBelow } from "./fetching.ts";

/** A package of which only the manifest was read. */
export interface FoundPolicy {
  readonly spec: PolicySpec;
  /**
   * Fetches the engine and the graphs, and opens them.
   * @throws {RangeError} if a file is not the one that was packed
   */
  open(): Promise<Policy>;
}

/** @throws {SyntaxError} if the manifest is wrong; {TypeError} if it does not say what the policy sees and makes */
export async function findPolicy({ url }: PolicyPlace, fetching: Fetching): Promise<FoundPolicy> {
  const files = fetchedFiles(url, fetching);
  const manifest = parseManifest(await readFrom(files, "manifest.json"));
  const spec = specOfPackage(manifest);
  return { spec, open: () => openPolicy(manifest, verified(files, manifest), fetching) };
}

async function openPolicy(
  manifest: Manifest,
  files: PackageFiles,
  fetching: Fetching,
): Promise<Policy> {
  const engine = await loadEngine(fetching);
  return assemblePolicy({
    manifest,
    files,
    async openGraph(path) {
      const { bytes, external } = await readGraph(files, path);
      return openWasmSession(engine, bytes, { externalData: external });
    },
  });
}

async function loadEngine(fetching: Fetching): Promise<Engine> {
  const { env } = onnxruntime;
  env.logLevel = "fatal";
  // As in Node: one thread gives the same bits on every run; and more need a page that is isolated from all others.
  env.wasm.numThreads = 1;
  env.wasm.wasmBinary ??= await fetching(engineUrl, "policy engine");
  return onnxruntime as unknown as Engine;
}

/** Each is fetched once, however often it is read while the package is opened. */
function fetchedFiles(url: string, fetching: Fetching): PackageFiles {
  const fetched = new Map<string, Promise<Uint8Array | undefined>>();
  return {
    place: url,
    async read(path) {
      assertPlainPath(path, refusePath(url, path));
      const bytes = fetched.get(path) ?? fetchIfThere(addressBelow(url, path), fetching);
      fetched.set(path, bytes);
      return bytes;
    },
  };
}

async function fetchIfThere(url: string, fetching: Fetching): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await fetching(url, "policy"));
  } catch (error) {
    if (error instanceof AbsentFileError) return undefined;
    throw error;
  }
}
