import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { findSoftwareGpu } from "../../support/software-gpu.mjs";

const CHILD = fileURLToPath(new URL("../../support/webgpu-child.mjs", import.meta.url));

interface Plain {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}
interface Descent {
  readonly losses: readonly number[];
  readonly keptThroughout: boolean;
  readonly last: Plain;
  readonly again: Plain;
}
interface Report {
  readonly agreement: Readonly<
    Record<string, { device: string; outputs: Readonly<Record<string, Plain>> }>
  >;
  readonly onGpu: Descent;
  readonly onCpu: Descent;
  readonly backToHost: {
    readonly all: Plain;
    readonly names: readonly string[];
    readonly buffer: Plain;
    readonly lossBuffer: Plain;
    readonly same: boolean;
  };
  readonly dtypes: Readonly<Record<string, Plain & { dtype: string }>>;
  readonly strangers: { readonly fed: string; readonly undeclared: string };
  readonly growthMib: number;
}

const gpu = findSoftwareGpu();
const close = (values: readonly number[], digits: number): unknown[] =>
  values.map((value) => expect.closeTo(value, digits) as unknown);

describe.skipIf(gpu.unavailable !== undefined)(
  `graphs on a GPU in software (${gpu.unavailable ?? "SwiftShader is there"})`,
  () => {
    let report: Report;
    beforeAll(async () => {
      const env = { ...process.env, ...gpu.env };
      const { stdout } = await promisify(execFile)(process.execPath, [CHILD], { env });
      report = JSON.parse(stdout) as Report;
    });

    it("give what they give on the CPU, in both kinds of session", () => {
      const { agreement } = report;
      const wanted = agreement["cpu local"]?.outputs ?? {};
      expect(Object.keys(wanted)).toEqual(["weights", "y", "largest"]);
      for (const kind of ["local", "threaded"]) {
        const got = agreement[`webgpu ${kind}`];
        expect(got?.device).toBe("webgpu");
        for (const [name, { shape, values }] of Object.entries(wanted)) {
          expect(got?.outputs[name], name).toEqual({ shape, values: close(values, 5) });
        }
      }
    });

    it("keep their state on the device over steps", () => {
      const { onGpu, onCpu } = report;
      expect(onGpu.keptThroughout).toBe(true);
      expect(onGpu.losses).toHaveLength(20);
      expect(onGpu.losses).toEqual(close(onCpu.losses, 6));
      expect(onGpu.last).toEqual({ shape: [64], values: close(onCpu.last.values, 6) });
      // Reading does not use a tensor up.
      expect(onGpu.again).toEqual(onGpu.last);
      // Closed form: w_k = target (1 - (7/8)^k).
      const factor = 1 - (7 / 8) ** 20;
      const target = Array.from({ length: 64 }, (_, i) => Math.sin(1 + 1.7 * i));
      expect(onGpu.last.values).toEqual(
        close(
          target.map((t) => t * factor),
          5,
        ),
      );
    });

    it("give back to the host what a run does not keep", () => {
      const sevens = { shape: [4], values: [7, 7, 7, 7] };
      expect(report.backToHost).toEqual({
        all: sevens,
        names: ["loss"],
        buffer: sevens,
        lossBuffer: { shape: [], values: [64] },
        same: true,
      });
    });

    it("have tensors of every dtype that come back as they were", () => {
      for (const dtype of ["float32", "int32", "uint32", "int64"]) {
        expect(report.dtypes[dtype]).toEqual({ dtype, shape: [3], values: [0, 1, 2] });
      }
      expect(report.dtypes["bool"]).toEqual({ dtype: "bool", shape: [3], values: [0, 1, 1] });
    });

    it("refuse tensors from elsewhere, and to keep what was not declared", () => {
      expect(report.strangers.fed).toContain("it is on cpu, must be on webgpu");
      expect(report.strangers.undeclared).toContain("must be some of the session's deviceOutputs");
    });

    it("leak nothing over a hundred runs with 4 MiB of state", () => {
      // A leak would be 400 MiB.
      expect(report.growthMib).toBeLessThan(64);
    });
  },
);
