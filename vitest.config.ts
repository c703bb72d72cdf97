import { defineConfig } from "vitest/config";

/** `npm test` runs all projects; `npx vitest run --project unit` the quick ones. */
export default defineConfig({
  test: {
    // Half of the suites wait for processes and pages, so that a core is left for the runner anyway.
    maxWorkers: "100%",
    projects: ["unit", "numerics", "conformance", "integration", "browser", "repro"].map(
      (name) => ({
        test: {
          name,
          include: [`tests/${name}/**/*.test.ts`],
          // Integration and browser suites own processes and ports; the others are pure.
          testTimeout: name === "integration" || name === "browser" ? 120_000 : 30_000,
          hookTimeout: 120_000,
          pool: "forks",
          // They share what they load, which takes about a quarter of the processor's time off them.
          isolate: name !== "unit" && name !== "numerics",
        },
      }),
    ),
    coverage: {
      provider: "v8",
      include: ["src/**", "sim-bridge/**", "policies/**", "robots/**"],
      exclude: ["**/*.mjs", "src/viewer/app/**", "**/python/**"],
      reporter: ["text-summary", "html"],
    },
  },
});
