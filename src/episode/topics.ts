/** The channels of an episode file, in one place for the writer and the readers. */
import type { SchemaName } from "./schemas.ts";

/** Version of the layout below; readers accept equal majors. */
export const EPISODE_FORMAT = "efference-episode/1";
/** The `profile` of the MCAP header. */
export const PROFILE = "efference";

export const TOPICS = {
  step: "/step",
  decision: "/policy/decision",
  thought: "/policy/thought",
  event: "/episode/event",
  log: "/events",
  scene: "/episode/scene",
  sceneUpdate: "/scene",
  transforms: "/tf",
  staticTransforms: "/tf_static",
} as const;

export const TOPIC_SCHEMAS: Readonly<Record<keyof typeof TOPICS, SchemaName>> = {
  step: "efference.Step",
  decision: "efference.Decision",
  thought: "efference.Thought",
  event: "efference.Event",
  log: "foxglove.Log",
  scene: "efference.SceneDescription",
  sceneUpdate: "foxglove.SceneUpdate",
  transforms: "foxglove.FrameTransforms",
  staticTransforms: "foxglove.FrameTransforms",
};

export const IMAGE_SCHEMA = "foxglove.CompressedImage";

export function imageTopic(camera: string): string {
  return `/camera/${camera}/image`;
}

export function calibrationTopic(camera: string): string {
  return `/camera/${camera}/calibration`;
}

/** The camera whose images the topic carries; undefined for any other topic. */
export function cameraOfTopic(topic: string): string | undefined {
  return /^\/camera\/(.+)\/image$/s.exec(topic)?.[1];
}

/** The optical frame of a camera: x right, y down, z forward (the convention of CameraCalibration). */
export function cameraFrame(camera: string): string {
  return `camera/${camera}`;
}
