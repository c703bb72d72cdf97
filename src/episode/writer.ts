/**
 * Records one episode as one MCAP file while it happens. The file has its final name from the start and
 * grows by whole chunks, so that it can be read while it is being written and after a kill.
 *
 *     magic, header, metadata "episode", schemas, channels, attachment "spec.json"
 *     chunk: scene, static transforms, calibrations, first step
 *     (chunk of images, chunk of everything else) ...      a pair at least every half second
 *     metadata "outcome", data end, summary, footer, magic
 *
 * Images lie in chunks of their own, uncompressed: PNG does not shrink any further, and a reader gets
 * everything else without touching them.
 */
import type { Decision, NdArray, Observation, TimeStep } from "../core/index.ts";
import { ChunkedRecording } from "./chunked-recording.ts";
import {
  calibrationMessage,
  cameraTransformsMessage,
  sceneUpdateMessage,
  transformsMessage,
} from "./encode-scene.ts";
import {
  decisionMessage,
  eventMessage,
  logMessage,
  stepMessage,
  thoughtMessage,
  timestamp,
} from "./encode-step.ts";
import type { FileSink } from "./file-sink.ts";
import { endToMetadata, headerToMetadata, OUTCOME_METADATA } from "./header-metadata.ts";
import { EPISODE_METADATA } from "./header-metadata.ts";
import { encodeJson } from "./json.ts";
import type { RasterImage } from "./png.ts";
import { encodePngAsync } from "./png.ts";
import type { SchemaName } from "./schemas.ts";
import { encodeMessage } from "./schemas.ts";
import {
  calibrationTopic,
  cameraFrame,
  IMAGE_SCHEMA,
  imageTopic,
  TOPICS,
  TOPIC_SCHEMAS,
} from "./topics.ts";
import type { EpisodeEvent, EpisodeHeader, EpisodeOutcome } from "./types.ts";

export interface EpisodeWriterOptions {
  /** Wall time after which buffered messages are written, ms; default 500. */
  readonly flushIntervalMs?: number;
  /** Buffered bytes after which they are written at once; default 1 MiB. */
  readonly chunkBytes?: number;
  /** Encoded bytes on their way to the file beyond which calls wait; default 16 MiB. */
  readonly maxPendingBytes?: number;
  /** zlib level of images, 0-9; default 1. */
  readonly pngLevel?: number;
  /** Opens the file; for tests. */
  readonly openSink?: (path: string) => Promise<FileSink>;
}

/**
 * Calls may overlap: what they are given is copied before they return, and is written in the order of
 * the calls. A returned promise resolves when its data is buffered, later only under back-pressure.
 * After a failed write every call throws the same RecordingError.
 */
export interface EpisodeWriter {
  readonly path: string;
  /** @throws {TypeError} on an image that is not uint8[height, width, 1 | 3 | 4] */
  step(recorded: {
    readonly timeStep: TimeStep;
    /** `float32[actionDim]`, the action that led to this step; absent on the first. */
    readonly action?: Float32Array | undefined;
  }): Promise<void>;
  decision(step: number, stampNs: bigint, decision: Decision): Promise<void>;
  event(event: EpisodeEvent): Promise<void>;
  /** Resolves when everything given so far is in the file. */
  flush(): Promise<void>;
  /** Writes outcome, summary and footer, and closes the file; it is `complete` from then on. */
  end(outcome: EpisodeOutcome): Promise<void>;
  /** Writes what is buffered and closes the file without an end; it stays incomplete. */
  abort(): Promise<void>;
}

/**
 * @param path a new file; its folder must exist
 * @throws {RecordingError} if the file exists or cannot be made
 */
export async function createEpisodeWriter(
  path: string,
  header: EpisodeHeader,
  options: EpisodeWriterOptions = {},
): Promise<EpisodeWriter> {
  const recording = await ChunkedRecording.create(path, options);
  const writer = new McapEpisodeWriter(recording, header, options.pngLevel ?? 1);
  await writer.begin();
  return writer;
}

class McapEpisodeWriter implements EpisodeWriter {
  readonly path: string;
  readonly #recording: ChunkedRecording;
  readonly #header: EpisodeHeader;
  readonly #pngLevel: number;
  readonly #channels = new Map<string, number>();
  #tail: Promise<void> = Promise.resolve();
  #ended = false;
  #decisions = 0;
  #steps = 0;
  #lastStep = -1;
  #lastStampNs = 0n;
  #lastLogTime: bigint;

  constructor(recording: ChunkedRecording, header: EpisodeHeader, pngLevel: number) {
    this.path = recording.path;
    this.#recording = recording;
    this.#header = header;
    this.#pngLevel = pngLevel;
    this.#lastLogTime = header.startedNs - 1n;
  }

  /** Writes everything that is known before the first step, so that a cut-off file says what it is. */
  async begin(): Promise<void> {
    const { scene, spec, policy, startedNs } = this.#header;
    this.#recording.addMetadata(EPISODE_METADATA, headerToMetadata(this.#header));
    for (const name of Object.keys(TOPICS) as (keyof typeof TOPICS)[]) {
      this.#channels.set(TOPICS[name], this.#recording.channel(TOPICS[name], TOPIC_SCHEMAS[name]));
    }
    const specJson = encodeJson({ environment: spec, policy: policy.spec });
    this.#recording.addAttachment({
      name: "spec.json",
      mediaType: "application/json",
      data: new TextEncoder().encode(specJson),
      time: startedNs,
    });
    if (scene !== undefined) {
      this.#put("scene", startedNs, { json: encodeJson(scene) });
      this.#put("sceneUpdate", startedNs, sceneUpdateMessage(scene, startedNs));
      this.#put("staticTransforms", startedNs, cameraTransformsMessage(scene, startedNs));
      for (const camera of scene.cameras) {
        const image = spec.observation.images.find(({ name }) => name === camera.name);
        if (image === undefined) continue;
        const message = calibrationMessage(camera, image, startedNs);
        const schema = "foxglove.CameraCalibration";
        this.#putTo({ topic: calibrationTopic(camera.name), schema }, startedNs, message);
      }
    }
    await this.#recording.flush();
  }

  async step(recorded: { timeStep: TimeStep; action?: Float32Array | undefined }): Promise<void> {
    this.#assertOpen();
    const { timeStep, action } = recorded;
    const { observation, poses } = timeStep;
    const bodies = this.#header.scene?.bodies;
    if (poses !== undefined && bodies !== undefined && poses.length !== bodies.length * 7) {
      throw new TypeError(
        `Cannot record step: poses are float64[${poses.length}], must be float64[${bodies.length}, 7]`,
      );
    }
    // Everything that refers to the caller's buffers happens before the first await.
    const step = encodeMessage(
      "efference.Step",
      stepMessage(timeStep, action, this.#header.instruction),
    );
    const images = Object.entries(observation.images).map(([camera, array]) => ({
      camera,
      png: encodePngAsync(rasterOf(camera, array), { level: this.#pngLevel }),
    }));
    const logTime = this.#nextStepTime(observation);
    const transforms =
      poses === undefined || bodies === undefined
        ? undefined
        : encodeMessage("foxglove.FrameTransforms", transformsMessage(bodies, poses, logTime));
    await this.#enqueue(async () => {
      const frames = await Promise.all(
        images.map(async ({ camera, png }) => ({ camera, data: await png })),
      );
      for (const frame of frames) this.#putImage(frame, logTime);
      if (transforms !== undefined) this.#putEncoded("transforms", logTime, transforms);
      this.#putEncoded("step", logTime, step);
    });
  }

  async decision(step: number, stampNs: bigint, decision: Decision): Promise<void> {
    this.#assertOpen();
    const index = this.#decisions++;
    const logTime = this.#timeOf(step, stampNs);
    const message = encodeMessage(
      "efference.Decision",
      decisionMessage(decision, { index, step, stampNs }),
    );
    const thoughts = decision.thoughts.map((thought) =>
      encodeMessage("efference.Thought", thoughtMessage(thought, { index, step })),
    );
    await this.#enqueue(() => {
      this.#putEncoded("decision", logTime, message);
      for (const thought of thoughts) this.#putEncoded("thought", logTime, thought);
    });
  }

  async event(event: EpisodeEvent): Promise<void> {
    this.#assertOpen();
    const logTime = this.#timeOf(event.step, event.stampNs);
    await this.#enqueue(() => {
      this.#put("event", logTime, eventMessage(event));
      this.#put("log", logTime, logMessage(event, logTime));
    });
  }

  async flush(): Promise<void> {
    this.#assertOpen();
    await this.#enqueue(() => this.#recording.flush());
  }

  async end(outcome: EpisodeOutcome): Promise<void> {
    this.#assertRunning();
    this.#ended = true;
    await this.#enqueue(() =>
      this.#recording.finish(() => {
        const end = { outcome, steps: this.#steps, durationNs: this.#lastStampNs };
        this.#recording.addMetadata(OUTCOME_METADATA, endToMetadata(end));
      }),
    );
  }

  async abort(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#enqueue(() => this.#recording.close());
  }

  #assertOpen(): void {
    this.#assertRunning();
    this.#recording.assertHealthy();
  }

  #assertRunning(): void {
    if (!this.#ended) return;
    throw new RangeError(`Cannot record to "${this.path}": the episode has ended, must be running`);
  }

  /** Tasks run one after another, in the order of the calls. */
  #enqueue(task: () => void | Promise<void>): Promise<void> {
    const run = this.#tail.then(async () => {
      await task();
      await this.#recording.backPressure();
    });
    this.#tail = run.catch(() => undefined);
    return run;
  }

  /** Log times of steps grow strictly, even for a world whose clock stands still: they are the key. */
  #nextStepTime({ step, stampNs }: Observation): bigint {
    const wanted = this.#header.startedNs + stampNs;
    this.#lastLogTime = wanted > this.#lastLogTime ? wanted : this.#lastLogTime + 1n;
    this.#lastStep = step;
    this.#lastStampNs = stampNs;
    this.#steps++;
    return this.#lastLogTime;
  }

  #timeOf(step: number, stampNs: bigint): bigint {
    return step === this.#lastStep ? this.#lastLogTime : this.#header.startedNs + stampNs;
  }

  #putImage({ camera, data }: { camera: string; data: Uint8Array }, logTime: bigint): void {
    const stamp = timestamp(logTime);
    const message = { timestamp: stamp, frame_id: cameraFrame(camera), data, format: "png" };
    this.#putTo({ topic: imageTopic(camera), schema: IMAGE_SCHEMA }, logTime, message);
  }

  #put(name: keyof typeof TOPICS, logTime: bigint, message: object): void {
    this.#putEncoded(name, logTime, encodeMessage(TOPIC_SCHEMAS[name], message));
  }

  #putEncoded(name: keyof typeof TOPICS, logTime: bigint, data: Uint8Array): void {
    this.#recording.put("data", { channelId: this.#channels.get(TOPICS[name])!, logTime, data });
  }

  #putTo(channel: { topic: string; schema: SchemaName }, logTime: bigint, message: object): void {
    const { topic, schema } = channel;
    const channelId = this.#channels.get(topic) ?? this.#recording.channel(topic, schema);
    this.#channels.set(topic, channelId);
    const data = encodeMessage(schema, message);
    this.#recording.put(schema === IMAGE_SCHEMA ? "images" : "data", { channelId, logTime, data });
  }
}

function rasterOf(camera: string, array: NdArray): RasterImage {
  const [height = 0, width = 0, channels = 0] = array.shape;
  const fits = array.dtype === "uint8" && array.data instanceof Uint8Array;
  if (!fits || array.shape.length !== 3 || ![1, 3, 4].includes(channels)) {
    throw new TypeError(
      `Cannot record image "${camera}": it is ${array.dtype}[${array.shape.join(", ")}], must be uint8[height, width, 1 | 3 | 4]`,
    );
  }
  return { width, height, channels: channels as 1 | 3 | 4, data: array.data };
}
