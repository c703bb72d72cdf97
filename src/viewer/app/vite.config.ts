import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Builds the page to `dist/viewer`. Addresses are relative, so that any static server can offer it too. */
export default defineConfig({
  root: here("."),
  base: "./",
  build: {
    outDir: here("../../../dist/viewer"),
    emptyOutDir: true,
    target: "es2022",
    // three.js is one chunk of its own that loads after the page is usable.
    chunkSizeWarningLimit: 900,
    reportCompressedSize: false,
  },
  logLevel: "warn",
});
