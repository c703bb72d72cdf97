/** The lanes there are. A new kind of channel needs its module and one line here. */
import type { Channel } from "../channels.ts";
import { actionLane } from "./action-lane.ts";
import { eventsLane } from "./events-lane.ts";
import type { LaneModule } from "./lane.ts";
import { latencyLane } from "./latency-lane.ts";
import { seriesLane } from "./series-lane.ts";
import { textLane } from "./text-lane.ts";

const LANES: readonly LaneModule[] = [eventsLane, textLane, actionLane, seriesLane, latencyLane];

/** The module that draws a channel; undefined = none does, and the channel is left out. */
export function laneFor(channel: Channel): LaneModule | undefined {
  return LANES.find((lane) => lane.accepts(channel));
}
