import type { Observation, Policy } from "../src/core/index.ts";
import { actionDim, messageOf } from "../src/core/index.ts";
import { errorBody } from "./error-body.ts";
import { observationFault } from "./check-observation.ts";
import type { Conversation } from "./conversation.ts";
import { wireErrorCode } from "./wire/errors.ts";
import type { HelloBody, Message, MessageBody } from "./wire/messages.ts";

/** Serves decisions to one robot: every robot has a policy instance of its own. */
export class PolicySession {
  readonly #policy: Policy;
  readonly #hello: HelloBody;
  readonly #conversation: Conversation;
  readonly #imageNames: readonly string[];
  #isBusy = false;
  #isStarted = false;

  constructor(policy: Policy, peer: { hello: HelloBody; conversation: Conversation }) {
    this.#policy = policy;
    this.#hello = peer.hello;
    this.#conversation = peer.conversation;
    this.#imageNames = peer.hello.spec.observation.images.map(({ name }) => name);
    // Nobody is left who could be told that closing failed.
    void peer.conversation.lost.then(() => policy.close?.()).catch(() => undefined);
  }

  async receive({ seq, body }: Message): Promise<void> {
    if (this.#isBusy) {
      return this.#fail(seq, "busy", "the previous request is not answered, must be first");
    }
    this.#isBusy = true;
    try {
      const answer = await this.#answer(body);
      this.#conversation.say(answer, seq);
    } catch (error) {
      this.#fail(seq, wireErrorCode(error) ?? "policy_failed", messageOf(error));
    } finally {
      this.#isBusy = false;
    }
  }

  async #answer(body: MessageBody): Promise<MessageBody> {
    const { spec } = this.#hello;
    if (body.kind === "episodeStart") {
      const { task, instruction, seed } = body;
      await this.#policy.reset({ task, instruction, seed, spec });
      this.#isStarted = true;
      return { kind: "episodeStarted" };
    }
    if (body.kind === "decide") return this.#decide(body.observation);
    const found = `a robot sent ${body.kind}`;
    return errorBody("unexpected_message", `${found}, must send episode_start or decide`);
  }

  async #decide(observation: Observation): Promise<MessageBody> {
    if (!this.#isStarted) {
      return errorBody("bad_request", "no episode is running, must be started first");
    }
    const { spec } = this.#hello;
    const fault = observationFault(observation, { spec, wanted: this.#imageNames });
    if (fault !== undefined) return errorBody(fault.code, fault.message);
    const decision = await this.#policy.decide(observation);
    const width = actionDim(spec.action);
    if (decision.chunk.actionDim !== width) {
      const found = `the policy made actions of ${decision.chunk.actionDim} entries`;
      return errorBody("policy_failed", `${found}, must be ${width} for this robot`);
    }
    return { kind: "decided", ...decision };
  }

  #fail(seq: number, code: string, message: string): void {
    this.#conversation.say(errorBody(code, message), seq);
  }
}
