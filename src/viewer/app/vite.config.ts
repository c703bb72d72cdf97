import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";
import { defineConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
/**
 * Puts `x.js.gz` beside `x.js`, so that the server sends small answers without compressing any. WebAssembly, which is
 * fetched by who plays, goes as it is: twice in the package it would be most of it, and so its length is told.
 */
function gzipped(): Plugin {
  let outDir = "";
  return {
    name: "gzipped",
    apply: "build",
    configResolved(config) {
      outDir = config.build.outDir;
    },
    closeBundle() {
      for (const name of readdirSync(outDir, { recursive: true, encoding: "utf8" })) {
        if (!/\.(js|css|html|svg)$/.test(name)) continue;
        const path = join(outDir, name);
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
      }
    },
  };
}

/**
 * The player brings the engine's WebAssembly (`engine/mujoco.wasm`). Without this the package's own, which nobody would
 * load, lies in the page, too: its loader names it by an address relative to itself.
 */
function withoutPackagesEngine(): Plugin {
  const address = "new URL('mujoco.wasm', import.meta.url).href";
  return {
    name: "without-packages-engine",
    transform(code, id) {
      if (!/@mujoco[\\/]mujoco[\\/]mujoco\.js/.test(id)) return undefined;
      if (!code.includes(address)) this.error(`@mujoco/mujoco must name its engine by ${address}`);
      return { code: code.replaceAll(address, "undefined"), map: null };
    },
  };
}

const PLAYER = "player.js";

/** Builds the page to `dist/viewer`. Addresses are relative, so that any static server can offer it too. */
export default defineConfig({
  root: here("."),
  base: "./",
  plugins: [gzipped(), withoutPackagesEngine()],
  build: {
    outDir: here("../../../dist/viewer"),
    rollupOptions: {
      // The player is a worker of its own name: the page must not import what it is made of.
      input: { index: here("index.html"), player: here("../../play/worker.ts") },
      output: {
        entryFileNames: ({ name }) => (name === "player" ? PLAYER : "assets/[name]-[hash].js"),
      },
    },
    // Hints to load early are elements of a page, which the player does not have.
    modulePreload: {
      resolveDependencies: (_, dependencies, { hostId }) => (hostId === PLAYER ? [] : dependencies),
    },
    emptyOutDir: true,
    target: "es2022",
    // three.js is one chunk of its own that loads after the page is usable.
    chunkSizeWarningLimit: 900,
    reportCompressedSize: false,
  },
  logLevel: "warn",
});
