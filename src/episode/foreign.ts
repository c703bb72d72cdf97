import type { EnvironmentSpec } from "../core/index.ts";
import type { EpisodeContents } from "./episode-contents.ts";
import type { ImageStore } from "./image-store.ts";
import { malformed } from "./mcap/cursor.ts";

const UNKNOWN = "unknown";

/**
 * Fills in what an MCAP file of another writer lacks: a header that says little, and one step for every
 * image of the camera that has most of them, so that it can be scrubbed through.
 *
 * @throws {SyntaxError} if it has no images either
 */
export async function describeForeign(
  contents: EpisodeContents,
  images: ImageStore,
): Promise<void> {
  let times: bigint[] = [];
  for (const channelId of contents.cameras.values()) {
    const found = [...new Set(await images.times(channelId))];
    if (found.length > times.length) times = found;
  }
  const [first] = times;
  if (first === undefined || contents.steps.length > 0) {
    throw malformed('it has no metadata "episode" and no images, must have one of them');
  }
  for (const [step, time] of times.entries()) {
    contents.stepTimes.push(time);
    contents.steps.push({
      step,
      stampNs: time - first,
      reward: 0,
      terminated: false,
      truncated: false,
      proprio: {},
    });
  }
  contents.header = {
    episodeId: UNKNOWN,
    runId: UNKNOWN,
    task: UNKNOWN,
    suite: UNKNOWN,
    instruction: "",
    seed: 0,
    attempt: 1,
    policy: {
      name: UNKNOWN,
      spec: {
        name: UNKNOWN,
        observation: "any",
        action: "any",
        predictHorizon: 1,
        privileged: false,
      },
    },
    environment: { name: UNKNOWN, version: "", versions: {} },
    spec: specOf(times),
    startedNs: first,
    versions: {},
  };
}

/** Sizes of images are not known without reading them, so the list of images stays empty. */
function specOf(times: readonly bigint[]): EnvironmentSpec {
  const spanS = Number(times.at(-1)! - times[0]!) / 1e9;
  return {
    observation: { images: [], proprio: [], texts: [] },
    action: { components: [] },
    controlFreqHz: spanS > 0 ? (times.length - 1) / spanS : 1,
    maxSteps: times.length,
    privileged: false,
    snapshot: false,
  };
}
