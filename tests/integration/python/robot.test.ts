import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import type { EpisodeStart, Observation, Policy } from "../../../src/core/index.ts";
import { createHub } from "../../../sim-bridge/index.ts";
import { findPython } from "./python-peer.ts";

const { python = "", unavailable } = await findPython();
const ROBOT = fileURLToPath(new URL("robot.py", import.meta.url));

/** Answers with what it saw, so that the robot's output proves what arrived. */
function echoPolicy(seen: { starts: EpisodeStart[]; observations: Observation[] }): Policy {
  return {
    spec: {
      name: "echo",
      observation: "any",
      action: "any",
      predictHorizon: 2,
      privileged: false,
    },
    reset(start) {
      seen.starts.push(start);
      return Promise.resolve();
    },
    decide(observation) {
      seen.observations.push(observation);
      const [first = 0, second = 0] = observation.proprio["joints"]?.data ?? [];
      const data = Float32Array.of(Number(first), Number(second), observation.step, 0);
      return Promise.resolve({
        chunk: { data, horizon: 2, actionDim: 2 },
        thoughts: [{ kind: "text", tag: "plan", text: `step ${observation.step}: grüß dich` }],
        timing: { totalMs: 1.5, encodeMs: 0.5 },
      });
    },
  };
}

describe.skipIf(unavailable !== undefined)(
  `a Python robot asking this runtime (${unavailable ?? "Python is there"})`,
  () => {
    test("sends its observations and gets decisions with thoughts and timing", async () => {
      await using hub = await createHub({ endpoint: "tcp://127.0.0.1:*" });
      const seen = { starts: [] as EpisodeStart[], observations: [] as Observation[] };
      hub.servePolicy(() => echoPolicy(seen));
      const { stdout } = await promisify(execFile)(python, [ROBOT, hub.endpoint]);
      const lines = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown);
      expect(lines).toEqual(
        [0, 1, 2].map((step) => ({
          chunk: [
            [step + 0.5, -1],
            [step, 0],
          ],
          thoughts: [{ kind: "text", tag: "plan", text: `step ${step}: grüß dich` }],
          stages: ["encode_ms", "total_ms"],
        })),
      );
      expect(seen.starts).toMatchObject([
        { task: "pick", instruction: "pick up the cup", seed: 6, spec: { controlFreqHz: 10 } },
      ]);
      expect(seen.observations.map(({ stampNs }) => stampNs)).toEqual([
        0n,
        100_000_000n,
        200_000_000n,
      ]);
      expect([...(seen.observations[2]?.images["wrist"]?.data ?? [])]).toEqual(
        new Array<number>(18).fill(2),
      );
    });

    test("is told when no policy is served", async () => {
      await using hub = await createHub({ endpoint: "tcp://127.0.0.1:*" });
      const asked = promisify(execFile)(python, [ROBOT, hub.endpoint]);
      await expect(asked).rejects.toThrow("RuntimeReportedError: no_policy");
    });
  },
);
