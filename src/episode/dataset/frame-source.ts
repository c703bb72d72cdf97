import { openLeRobotFrames } from "../lerobot/frames.ts";
import { openMcapFrames } from "./mcap-frames.ts";
import { openSelectedFrames } from "./idle.ts";
import type { FrameSource, FrameSourceDescription } from "./types.ts";

/** Opens the images of a dataset from their description, in any thread. Files are opened when they are read. */
export function openFrameSource(description: FrameSourceDescription): FrameSource {
  if (description.kind === "selected") return openSelectedFrames(description, openFrameSource);
  return description.kind === "mcap" ? openMcapFrames(description) : openLeRobotFrames(description);
}
