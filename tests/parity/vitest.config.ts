import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Apart from `npm test`, because it needs PyTorch. One file at a time: memory and threads. */
export default defineConfig({
  test: {
    name: "parity",
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: ["tests/parity/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 600_000,
    pool: "forks",
    fileParallelism: false,
  },
});
