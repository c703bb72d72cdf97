import { describe, expect, it } from "vitest";
import { PeerError, WANT_NOTHING } from "../../../src/core/index.ts";
import { createCounter } from "../../../sim-bridge/counter.ts";
import { createHub, makeCurveKeys } from "../../../sim-bridge/index.ts";
import { openHub, serve } from "../../support/bridge.ts";

const server = makeCurveKeys();
const friend = makeCurveKeys();
const stranger = makeCurveKeys();
const curve = { ...server, allowedClientKeys: [friend.publicKey] };

describe("a hub with CURVE keys", () => {
  it("lets a peer in whose key it knows", async () => {
    const { hub } = await openHub({ curve });
    serve(createCounter(), {
      connect: hub.endpoint,
      curve: { ...friend, serverPublicKey: server.publicKey },
    });
    const remote = await hub.nextSimulator();
    const { first } = await remote.reset({ task: "count", seed: 1, want: WANT_NOTHING });
    expect(first.observation.step).toBe(0);
  });

  it("refuses a peer whose key it does not know, and tells it", async () => {
    const { hub, events } = await openHub({ curve });
    const { ended } = serve(createCounter(), {
      connect: hub.endpoint,
      curve: { ...stranger, serverPublicKey: server.publicKey },
    });
    await expect(ended).rejects.toThrow(PeerError);
    await expect(ended).rejects.toMatchObject({ code: "curve" });
    expect(events[0]).toMatchObject({ kind: "refused", peer: "127.0.0.1", code: "curve" });
    expect(events.filter(({ kind }) => kind === "joined")).toEqual([]);
  });

  it("is not there for a peer without keys", async () => {
    const { hub, events } = await openHub({ curve });
    const { ended } = serve(createCounter(), { connect: hub.endpoint, forgottenAfterS: 0.5 });
    expect(await ended).toMatchObject({ kind: "forgotten" });
    expect(events).toEqual([]);
  });

  it("is not there for a peer that takes another for it", async () => {
    const { hub, events } = await openHub({ curve });
    const { ended } = serve(createCounter(), {
      connect: hub.endpoint,
      forgottenAfterS: 0.5,
      curve: { ...friend, serverPublicKey: stranger.publicKey },
    });
    expect(await ended).toMatchObject({ kind: "forgotten" });
    expect(events).toEqual([]);
  });

  it("may listen beyond this machine, and keeps two hubs of one program apart", async () => {
    const { hub } = await openHub({ curve, endpoint: "tcp://0.0.0.0:*" });
    const other = { ...makeCurveKeys(), allowedClientKeys: [stranger.publicKey] };
    const { hub: second } = await openHub({ curve: other });
    const port = hub.endpoint.split(":").at(-1);
    serve(createCounter(), {
      connect: `tcp://127.0.0.1:${port}`,
      curve: { ...friend, serverPublicKey: server.publicKey },
    });
    serve(createCounter(), {
      connect: second.endpoint,
      curve: { ...stranger, serverPublicKey: other.publicKey },
    });
    await Promise.all([hub.nextSimulator(), second.nextSimulator()]);
  });

  it("does not start with a key that is none, and keeps it out of the error", async () => {
    const secretKey = "my dog's name";
    const opening = createHub({ endpoint: "tcp://127.0.0.1:*", curve: { ...curve, secretKey } });
    await expect(opening).rejects.toThrow(/13 characters, must be 40 of Z85/);
    await expect(opening).rejects.not.toThrow(secretKey);
    const allowedClientKeys = ["ü".repeat(40)];
    await expect(
      createHub({ endpoint: "tcp://127.0.0.1:*", curve: { ...curve, allowedClientKeys } }),
    ).rejects.toThrow(RangeError);
  });
});
