import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ActionChunk } from "../../../src/core/index.ts";
import {
  BridgeTimeoutError,
  PeerError,
  PeerLostError,
  WANT_NOTHING,
} from "../../../src/core/index.ts";
import type { Hub, HubOptions } from "../../../sim-bridge/index.ts";
import { createHub, makeCurveKeys } from "../../../sim-bridge/index.ts";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPython, startPeer } from "./python-peer.ts";

const { python = "", unavailable } = await findPython();
const TASK = "failing_env:FailingEnv";
const RESET = { task: TASK, seed: 0, want: WANT_NOTHING };

const choose = (action: number): ActionChunk => ({
  data: Float32Array.of(action),
  horizon: 1,
  actionDim: 1,
});

describe.skipIf(unavailable !== undefined)(
  `a Python peer that fails (${unavailable ?? "Python is there"})`,
  () => {
    let hub: Hub | undefined;
    const open = async (options: Partial<HubOptions> = {}): Promise<Hub> =>
      (hub = await createHub({ endpoint: "tcp://127.0.0.1:*", ...options }));
    const start = (endpoint: string, ...more: string[]): ReturnType<typeof startPeer> =>
      startPeer(python, ["gymnasium", TASK, "--connect", endpoint, ...more]);
    beforeEach(() => (hub = undefined));
    afterEach(() => hub?.close());

    test("SIGKILL in the middle of a request is a PeerLostError, and another peer takes over", async () => {
      const { endpoint, nextSimulator } = bound(await open({ heartbeatS: 0.3 }));
      await using first = start(endpoint, "--heartbeat-s", "0.3");
      const environment = await nextSimulator();
      await environment.reset(RESET);
      const stepping = environment.step(choose(3), WANT_NOTHING);
      first.child.kill("SIGKILL");
      await expect(stepping).rejects.toThrow(PeerLostError);
      expect(await first.ended).toBe("SIGKILL");
      await expect(environment.reset(RESET)).rejects.toThrow(PeerLostError);

      await using second = start(endpoint);
      const replacement = await nextSimulator();
      expect((await replacement.reset(RESET)).first.kind).toBe("first");
      await replacement.close();
      expect(await second.ended).toBe(0);
    });

    test("a step that takes too long is a BridgeTimeoutError", async () => {
      const { endpoint, nextSimulator } = bound(await open({ requestTimeoutMs: 1500 }));
      await using peer = start(endpoint);
      const environment = await nextSimulator();
      await environment.reset(RESET);
      await expect(environment.step(choose(3), WANT_NOTHING)).rejects.toThrow(BridgeTimeoutError);
      expect(peer.child.exitCode).toBeNull();
    });

    test("a long reset outlasts many heartbeats", async () => {
      const { endpoint, nextSimulator } = bound(await open({ heartbeatS: 0.3 }));
      const more = ["--heartbeat-s", "0.3", "--kwargs", '{"reset_s": 2.5}'];
      await using peer = start(endpoint, ...more);
      const environment = await nextSimulator();
      expect((await environment.reset(RESET)).first.kind).toBe("first");
      await environment.close();
      expect(await peer.ended).toBe(0);
    });

    test("an unknown task is refused with the names of the known ones", async () => {
      const { endpoint, nextSimulator } = bound(await open());
      await using peer = start(endpoint);
      const environment = await nextSimulator();
      const asked = environment.reset({ ...RESET, task: "juggle" });
      await expect(asked).rejects.toThrow(PeerError);
      await expect(asked).rejects.toThrow(`task is "juggle", must be one of "${TASK}"`);
      expect((await environment.reset(RESET)).first.kind).toBe("first");
      await environment.close();
      expect(await peer.ended).toBe(0);
    });

    test("an exception and a NaN are answers, and the next reset works", async () => {
      const { endpoint, nextSimulator } = bound(await open());
      await using peer = start(endpoint);
      const environment = await nextSimulator();
      for (const [action, code, words] of [
        [1, "failed", "RuntimeError: the gripper is jammed"],
        [2, "non_finite", 'observation component "arm"'],
        [7, "bad_request", 'action component "action" is 7'],
      ] as const) {
        await environment.reset(RESET);
        const stepping = environment.step(choose(action), WANT_NOTHING);
        await expect(stepping).rejects.toThrow(words);
        await expect(stepping).rejects.toMatchObject({ code });
      }
      await environment.reset(RESET);
      const [step] = await environment.step(choose(0), WANT_NOTHING);
      expect(step?.observation.step).toBe(1);
      expect(peer.stderr()).toContain("the gripper is jammed");
      await environment.close();
      expect(await peer.ended).toBe(0);
    });

    test("CURVE lets in the peers whose keys are listed, and nobody else", async () => {
      const server = makeCurveKeys();
      const client = makeCurveKeys();
      const refused: string[] = [];
      const { endpoint, nextSimulator } = bound(
        await open({
          curve: { ...server, allowedClientKeys: [client.publicKey] },
          onEvent: (event) => {
            if (event.kind === "refused") refused.push(event.code);
          },
        }),
      );
      const folder = mkdtempSync(join(tmpdir(), "efference-keys-"));
      try {
        const keys = join(folder, "peer.json");
        writeFileSync(keys, JSON.stringify(client), { mode: 0o600 });
        const withServer = ["--server-key", server.publicKey];
        await using stranger = start(endpoint, ...withServer, "--retry-s", "1");
        expect(await stranger.ended).toBe(3);
        expect(refused).toContain("curve");
        await using friend = start(endpoint, ...withServer, "--keys", keys);
        const environment = await nextSimulator();
        expect((await environment.reset(RESET)).first.kind).toBe("first");
        await environment.close();
        expect(await friend.ended).toBe(0);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  },
);

/** A hub's address and a way to wait for its next simulator. */
function bound(hub: Hub): { endpoint: string; nextSimulator: Hub["nextSimulator"] } {
  return { endpoint: hub.endpoint, nextSimulator: (signal) => hub.nextSimulator(signal) };
}
