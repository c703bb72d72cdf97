/**
 * The player: a simulator, a driver and the control loop in a browser's worker. The composition root of the
 * page, as the command line is that of a machine: the page itself knows neither simulators nor policies.
 */
import { assertSpecsFit, messageOf } from "../core/index.ts";
import type { FromPlayer, PolicyPlace, ToPlayer } from "../viewer/play-protocol.ts";
import type { Fetching } from "./fetching.ts";
import { fetchingWith } from "./fetching.ts";
import { Player } from "./player.ts";
import type { FoundPolicy } from "./policy.ts";
import { openWorld } from "./worlds.ts";

const say = (message: FromPlayer, transfer: Transferable[] = []): void =>
  postMessage(message, { transfer });

let player: Promise<Player> | undefined;

/** Whether policy and world fit is known before anything large of the policy is fetched. */
async function open({ world, dataUrl, policy }: ToPlayer & { kind: "open" }): Promise<Player> {
  const fetching = fetchingWith((progress) => say({ kind: "loading", ...progress }));
  const found = policy === undefined ? undefined : await find(policy, fetching);
  const { env, expert } = await openWorld({
    ...{ world, dataUrl, fetching },
    ...(found === undefined ? {} : { policy: found.spec }),
  });
  if (policy !== undefined && found !== undefined) {
    const sides = { policy: found.spec, environment: env.spec };
    assertSpecsFit(`let "${policy.name}" drive "${world}"`, sides);
  }
  const driver = await found?.open();
  say({ kind: "opened", tasks: env.tasks });
  return new Player({ env, expert, ...(driver === undefined ? {} : { policy: driver }) }, say);
}

async function find(policy: PolicyPlace, fetching: Fetching): Promise<FoundPolicy> {
  const { findPolicy } = await import("./policy.ts");
  return findPolicy(policy, fetching);
}

addEventListener("message", ({ data }: MessageEvent<ToPlayer>) => {
  if (data.kind === "open") {
    player = open(data);
    player.catch((error: unknown) => say({ kind: "failed", message: messageOf(error) }));
    return;
  }
  // What comes before the world is open waits for it; if it cannot be opened, that was said.
  void player?.then(
    (ready) => ready.take(data),
    () => undefined,
  );
});
