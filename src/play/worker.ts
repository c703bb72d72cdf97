/**
 * The player: a simulator, a driver and the control loop in a browser's worker. The composition root of the
 * page, as the command line is that of a machine: the page itself knows neither simulators nor policies.
 */
import engineUrl from "@mujoco/mujoco/mujoco.wasm?url";
import { messageOf } from "../core/index.ts";
import type { FromPlayer, ToPlayer } from "../viewer/play-protocol.ts";
import { fetchingWith } from "./fetching.ts";
import { Player } from "./player.ts";
import { openWorld } from "./worlds.ts";

const say = (message: FromPlayer, transfer: Transferable[] = []): void =>
  postMessage(message, { transfer });

let player: Promise<Player> | undefined;

async function open({ world, dataUrl }: ToPlayer & { kind: "open" }): Promise<Player> {
  const fetching = fetchingWith((progress) => say({ kind: "loading", ...progress }));
  const env = await openWorld({ world, dataUrl, fetching, engineUrl });
  say({ kind: "opened", tasks: env.tasks });
  return new Player(env, say);
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
