import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Apart from `npm test`, because it needs LIBERO's original packages. One file at a time: memory. */
export default defineConfig({
  test: {
    name: "libero",
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: ["tests/libero/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    fileParallelism: false,
  },
});
