/** What the policy thought at the decision in force, and below it everything it has said, in order. */
import type { EpisodeReader, RecordedDecision } from "../../episode/types.ts";
import { decisionAt, executedRows, totalMs } from "./channels.ts";
import type { PlaybackClock } from "./clock.ts";
import { element, setText } from "./dom.ts";
import { formatMs, formatName, formatSeconds } from "./format.ts";
import type { Theme } from "./theme.ts";
import { earlierCard, thoughtCard } from "./thought-card.ts";

/** A text that differs from the one of its tag before it. */
interface Turn {
  readonly step: number;
  readonly tag: string;
  readonly text: string;
}

export class ThoughtsPanel {
  readonly #root: HTMLElement;
  readonly #clock: PlaybackClock;
  readonly #heading = element("div", { class: "thoughts-heading" });
  readonly #now = element("div", { class: "thoughts-now" });
  readonly #allTitle = element("h3", {}, ["All thoughts"]);
  readonly #all = element("ol", { class: "thoughts-earlier" });
  #theme: Theme;
  #reader: EpisodeReader | undefined;
  #shownDecision = -2;
  #turns: readonly Turn[] = [];
  #rows: readonly HTMLElement[] = [];
  #currentTurn = -2;

  constructor(
    root: HTMLElement,
    options: { readonly clock: PlaybackClock; readonly theme: Theme },
  ) {
    this.#root = root;
    this.#clock = options.clock;
    this.#theme = options.theme;
    root.append(this.#heading, this.#now, this.#allTitle, this.#all);
    options.clock.onPresent(() => this.#update());
  }

  /** Shows an episode; called again when it has grown. */
  show(reader: EpisodeReader): void {
    const grown = reader === this.#reader;
    const turns = turnsOf(reader.decisions);
    this.#reader = reader;
    this.#shownDecision = -2;
    if (!grown || turns.length !== this.#turns.length) this.#listTurns(turns);
    this.#update();
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    this.#shownDecision = -2;
    this.#update();
  }

  #update(): void {
    if (this.#reader === undefined) return;
    const { step } = this.#clock.state;
    const index = decisionAt(this.#reader.decisions, step);
    if (index !== this.#shownDecision) {
      this.#shownDecision = index;
      this.#showDecision(this.#reader, index);
    }
    this.#markTurn(step);
  }

  #showDecision(reader: EpisodeReader, index: number): void {
    setText(
      this.#heading,
      headingOf(reader, index, (step) => this.#clock.timeOf(step)),
    );
    const decision = reader.decisions[index];
    if (decision === undefined) {
      const none = reader.decisions.length === 0;
      const words = none ? "This policy recorded no decisions." : "No decision yet at this step.";
      this.#now.replaceChildren(element("p", { class: "empty" }, [words]));
      return;
    }
    const context = { reader, index, theme: this.#theme };
    const cards = [
      ...this.#stillInForce(decision).map(earlierCard),
      ...decision.thoughts.map((thought) => thoughtCard(thought, context)),
    ];
    const nothing = element("p", { class: "empty" }, ["A chunk without words."]);
    this.#now.replaceChildren(...(cards.length === 0 ? [nothing] : cards));
  }

  /** Words of tags that this decision is silent on: what was said last still holds. */
  #stillInForce({ step, thoughts }: RecordedDecision): Turn[] {
    const last = new Map<string, Turn>();
    for (const turn of this.#turns) if (turn.step < step) last.set(turn.tag, turn);
    for (const { tag } of thoughts) last.delete(tag);
    return [...last.values()];
  }

  #markTurn(step: number): void {
    const index = this.#turns.findLastIndex((turn) => turn.step <= step);
    if (index === this.#currentTurn) return;
    this.#rows[this.#currentTurn]?.removeAttribute("aria-current");
    this.#currentTurn = index;
    const row = this.#rows[index];
    if (row === undefined) return;
    row.setAttribute("aria-current", "true");
    // Only this list scrolls; scrollIntoView would move the panel as well.
    const top = row.offsetTop - this.#all.offsetTop;
    const { scrollTop, clientHeight } = this.#all;
    if (top < scrollTop || top + row.offsetHeight > scrollTop + clientHeight) {
      this.#all.scrollTop = top - clientHeight / 2;
    }
  }

  #listTurns(turns: readonly Turn[]): void {
    this.#turns = turns;
    this.#rows = turns.map((turn) => turnRow(turn, this.#clock));
    this.#all.replaceChildren(...this.#rows);
    this.#allTitle.hidden = turns.length === 0;
    this.#all.hidden = turns.length === 0;
    this.#currentTurn = -2;
    this.#root.classList.toggle("without-words", turns.length === 0);
  }
}

function headingOf(reader: EpisodeReader, index: number, timeOf: (step: number) => number): string {
  const decision = reader.decisions[index];
  if (decision === undefined) return "";
  const { horizon } = decision.chunk;
  const rows = executedRows(reader, index);
  const took = formatMs(totalMs(decision.timingMs));
  const made = formatSeconds(timeOf(decision.step));
  return `Decision ${index + 1} of ${reader.decisions.length}, made at step ${decision.step} (${made}) in ${took}: ${horizon === 1 ? "1 action" : `${horizon} actions`}, ${rows} executed`;
}

function turnsOf(decisions: readonly RecordedDecision[]): Turn[] {
  const last = new Map<string, string>();
  const turns: Turn[] = [];
  for (const { step, thoughts } of decisions) {
    for (const thought of thoughts) {
      if (thought.kind !== "text" || last.get(thought.tag) === thought.text) continue;
      last.set(thought.tag, thought.text);
      turns.push({ step, tag: thought.tag, text: thought.text });
    }
  }
  return turns;
}

function turnRow(turn: Turn, clock: PlaybackClock): HTMLElement {
  const go = (): void => {
    clock.pause();
    clock.seek(turn.step);
  };
  const button = element("button", { attributes: { type: "button" }, on: { click: go } }, [
    element("span", { class: "turn-step" }, [String(turn.step)]),
    element("span", { class: "turn-text" }, [
      element("span", { class: "tag" }, [formatName(turn.tag)]),
      ` ${turn.text}`,
    ]),
  ]);
  return element("li", {}, [button]);
}
