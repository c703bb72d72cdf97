/** What is played, as part of a link. */
import type { DeepLink } from "../deep-link.ts";
import type { DriverName, PlayChoice } from "./panel.ts";

/** `libero/object/0` is the world `libero` and its task `object/0`. */
export function playChoice({ play = "", state, drive }: DeepLink): Partial<PlayChoice> {
  const [world = "", ...task] = play.split("/");
  return {
    world,
    task: task.join("/"),
    initialState: state ?? 0,
    ...(isDriver(drive) && { driver: drive }),
  };
}

/** The open episode is not part of a link, so that its actions cannot be, either. */
export function playLink({ world, task, initialState, driver }: PlayChoice): DeepLink {
  return {
    play: `${world}/${task}`,
    state: initialState,
    drive: driver === "replay" ? "keyboard" : driver,
  };
}

function isDriver(name: string | undefined): name is DriverName {
  return name === "keyboard" || name === "expert" || /^policy:./.test(name ?? "");
}
