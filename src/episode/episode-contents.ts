import type { SceneDescription, Thought } from "../core/index.ts";
import type { DecodedDecision } from "./decode-messages.ts";
import {
  decodeDecision,
  decodeEvent,
  decodeSceneText,
  decodeStep,
  decodeThought,
} from "./decode-messages.ts";
import { decodeTransforms, identityPoses } from "./decode-transforms.ts";
import type { EpisodeEnd } from "./header-metadata.ts";
import {
  endFromMetadata,
  EPISODE_METADATA,
  headerFromMetadata,
  OUTCOME_METADATA,
} from "./header-metadata.ts";
import { decodeJson } from "./json.ts";
import { malformed } from "./mcap/cursor.ts";
import type { Channel, Message, Metadata } from "./mcap/records.ts";
import { LIMITS } from "./mcap/records.ts";
import { cameraOfTopic, IMAGE_SCHEMA, TOPICS, TOPIC_SCHEMAS } from "./topics.ts";
import type { EpisodeEvent, EpisodeHeader, RecordedDecision, RecordedStep } from "./types.ts";

/** What a channel is to a reader; `other` channels are passed over. */
export type ChannelRole = keyof typeof TOPICS | "image" | "other";

/** Everything of an episode but its images, collected message by message. */
export class EpisodeContents {
  header: EpisodeHeader | undefined;
  scene: SceneDescription | undefined;
  end: EpisodeEnd | undefined;
  readonly steps: RecordedStep[] = [];
  /** Log time of `steps[i]`, strictly ascending. */
  readonly stepTimes: bigint[] = [];
  readonly events: EpisodeEvent[] = [];
  /** Camera name -> channel id. */
  readonly cameras = new Map<string, number>();
  readonly #roles = new Map<number, ChannelRole>();
  readonly #schemaNames = new Map<number, string>();
  readonly #decisions: DecodedDecision[] = [];
  readonly #thoughts = new Map<number, Thought[]>();
  readonly #poses = new Map<bigint, Float64Array>();
  #rowOfFrame: ReadonlyMap<string, number> = new Map();
  #lastPoses: Float64Array | undefined;
  #poseBytes = 0;

  addSchema(schema: { readonly id: number; readonly name: string }): void {
    this.#schemaNames.set(schema.id, schema.name);
  }

  addChannel(channel: Channel): void {
    if (this.#roles.has(channel.id)) return;
    const schema =
      channel.messageEncoding === "protobuf" ? this.#schemaNames.get(channel.schemaId) : undefined;
    const role = roleOf(channel.topic, schema);
    this.#roles.set(channel.id, role);
    if (role === "image") {
      this.cameras.set(cameraOfTopic(channel.topic) ?? channel.topic, channel.id);
    }
  }

  /** Undefined for a channel that was not declared (yet). */
  roleOf(channelId: number): ChannelRole | undefined {
    return this.#roles.get(channelId);
  }

  addMetadata({ name, values }: Metadata): void {
    if (name === EPISODE_METADATA) this.header ??= headerFromMetadata(values);
    else if (name === OUTCOME_METADATA) this.end ??= endFromMetadata(values);
  }

  addMessage(message: Message): void {
    const { data, logTime } = message;
    switch (this.#roles.get(message.channelId)) {
      case "step":
        this.#addStep(decodeStep(data), logTime);
        break;
      case "decision":
        this.#decisions.push(decodeDecision(data));
        break;
      case "thought":
        this.#addThought(data);
        break;
      case "event":
        this.events.push(decodeEvent(data));
        break;
      case "scene":
        this.#setScene(parseScene(decodeSceneText(data)));
        break;
      case "transforms":
        this.#addTransforms(data, logTime);
        break;
      case "image":
      case "log":
      case "sceneUpdate":
      case "staticTransforms":
      case "other":
      case undefined:
        break;
    }
  }

  /** Decisions with their thoughts, and how many rows of each were executed where that is known. */
  decisions(ended: boolean): RecordedDecision[] {
    const lastStep = this.steps.at(-1)?.step ?? 0;
    return this.#decisions.map(({ index, ...decision }, i) => {
      const next = this.#decisions[i + 1]?.step ?? (ended ? lastStep : undefined);
      const thoughts = this.#thoughts.get(index) ?? [];
      if (next === undefined) return { ...decision, thoughts };
      const executed = Math.max(0, Math.min(decision.chunk.horizon, next - decision.step));
      return { ...decision, thoughts, executed };
    });
  }

  poses(logTime: bigint): Float64Array | undefined {
    return this.#poses.get(logTime);
  }

  #addStep(step: RecordedStep, logTime: bigint): void {
    const before = this.stepTimes.at(-1);
    if (before !== undefined && logTime <= before) {
      throw malformed(`step ${step.step} is not later than the one before, must be`);
    }
    this.steps.push(step);
    this.stepTimes.push(logTime);
  }

  #addThought(data: Uint8Array): void {
    const { decisionIndex, thought } = decodeThought(data);
    const siblings = this.#thoughts.get(decisionIndex);
    if (siblings === undefined) this.#thoughts.set(decisionIndex, [thought]);
    else siblings.push(thought);
  }

  #setScene(scene: SceneDescription): void {
    this.scene = scene;
    // The world is the root of the transforms, so none leads to it; its row stays the identity.
    this.#rowOfFrame = new Map(scene.bodies.map((body, row) => [body, row]));
    this.#lastPoses = undefined;
  }

  #addTransforms(data: Uint8Array, logTime: bigint): void {
    if (this.scene === undefined) return;
    this.#poseBytes += this.scene.bodies.length * 56;
    if (this.#poseBytes > LIMITS.poseBytes) {
      throw malformed(`its poses exceed ${LIMITS.poseBytes} bytes, must be fewer`);
    }
    // A body that a message leaves out is where it was.
    const poses = this.#lastPoses?.slice() ?? identityPoses(this.scene.bodies.length);
    decodeTransforms(data, this.#rowOfFrame, poses);
    this.#lastPoses = poses;
    this.#poses.set(logTime, poses);
  }
}

function roleOf(topic: string, schema: string | undefined): ChannelRole {
  if (schema === IMAGE_SCHEMA) return "image";
  for (const name of Object.keys(TOPICS) as (keyof typeof TOPICS)[]) {
    if (TOPICS[name] === topic && TOPIC_SCHEMAS[name] === schema) return name;
  }
  return "other";
}

function parseScene(json: string): SceneDescription {
  const scene = decodeJson(json) as Partial<SceneDescription> | null;
  const whole =
    Array.isArray(scene?.bodies) &&
    scene.bodies.every((body) => typeof body === "string") &&
    Array.isArray(scene.geoms) &&
    Array.isArray(scene.cameras);
  if (!whole) throw malformed("its scene is incomplete, must list bodies, geoms and cameras");
  return scene as SceneDescription;
}
