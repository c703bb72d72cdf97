/**
 * A Vulkan device in software for the WebGPU tests: Chromium brings SwiftShader and a Vulkan loader, so
 * where the browser tests run these run, too. Nothing is installed for it.
 */
import { existsSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findChromium } from "./browser.mjs";

const DRIVER = "libvk_swiftshader.so";
const LOADER = "libvulkan.so.1";
/** Debian's `chromium` in the PATH is a script; the program lies here. */
const FOLDERS = ["/usr/lib/chromium", "/usr/lib/chromium-browser", "/usr/lib64/chromium"];

/**
 * The environment variables that make a child process see one software GPU, or why there is none.
 *
 * @returns {{ env: Record<string, string> } | { unavailable: string }}
 */
export function findSoftwareGpu() {
  if (process.platform !== "linux") {
    return { unavailable: `SwiftShader through Vulkan is for Linux, this is ${process.platform}` };
  }
  const chromium = process.env.EFFERENCE_CHROMIUM || findChromium();
  const beside = chromium === undefined ? [] : [dirname(realpathSync(chromium))];
  const folder = [...beside, ...FOLDERS].find((path) =>
    [DRIVER, LOADER].every((file) => existsSync(join(path, file))),
  );
  if (folder === undefined) {
    return { unavailable: `no Chromium with ${DRIVER} and ${LOADER} is installed` };
  }
  const manifest = driverManifest(folder);
  const libraries = [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(":");
  return {
    env: { VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest, LD_LIBRARY_PATH: libraries },
  };
}

/** The file that tells a Vulkan loader of the driver. */
function driverManifest(folder) {
  const shipped = join(folder, "vk_swiftshader_icd.json");
  if (existsSync(shipped)) return shipped;
  const written = join(mkdtempSync(join(tmpdir(), "efference-vulkan-")), "swiftshader.json");
  const ICD = { library_path: join(folder, DRIVER), api_version: "1.1.0" };
  writeFileSync(written, JSON.stringify({ file_format_version: "1.0.0", ICD }));
  return written;
}
