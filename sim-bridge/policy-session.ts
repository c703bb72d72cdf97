import type { Policy } from "../src/core/index.ts";
import { comparePolicyToEnvironment, messageOf } from "../src/core/index.ts";
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

  /** What keeps this policy from driving this robot, in words; empty if nothing does. */
  static differences(policy: Policy, hello: HelloBody): string {
    return comparePolicyToEnvironment(policy.spec, hello.spec)
      .map(({ where, made, accepted }) => `${where} is ${made}, must be ${accepted}`)
      .join("; ");
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
    switch (body.kind) {
      case "episodeStart": {
        const { task, instruction, seed } = body;
        await this.#policy.reset({ task, instruction, seed, spec });
        this.#isStarted = true;
        return { kind: "episodeStarted" };
      }
      case "decide": {
        if (!this.#isStarted) {
          return errorBody("bad_request", "no episode is running, must be started first");
        }
        const fault = observationFault(body.observation, { spec, wanted: this.#imageNames });
        if (fault !== undefined) return errorBody(fault.code, fault.message);
        return { kind: "decided", ...(await this.#policy.decide(body.observation)) };
      }
      default:
        return errorBody(
          "unexpected_message",
          `a robot sent ${body.kind}, must send episode_start or decide`,
        );
    }
  }

  #fail(seq: number, code: string, message: string): void {
    this.#conversation.say(errorBody(code, message), seq);
  }
}
