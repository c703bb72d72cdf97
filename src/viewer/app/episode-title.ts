/** The line above the scene: what was asked, how it ended, and by whom it was done. */
import type { EpisodeReader } from "../../episode/types.ts";
import { element } from "./dom.ts";
import type { Standing } from "./filter.ts";
import { STANDING_WORDS } from "./filter.ts";
import { formatName } from "./format.ts";
import { standingIcon } from "./icons.ts";

export function drawEpisodeTitle(
  root: HTMLElement,
  { reader, live }: { reader: EpisodeReader; live: boolean },
): void {
  const { header, outcome } = reader;
  const standing: Standing = outcome?.kind ?? (live ? "running" : "cut_off");
  const said = header.instruction === "" ? formatName(header.task) : header.instruction;
  root.replaceChildren(
    standingIcon(standing),
    element("h1", { title: said }, [said]),
    element("span", { class: `outcome ${standing}` }, [outcomeWords(reader, standing)]),
    element("span", { class: "quiet facts", title: factsTitle(reader) }, [facts(reader)]),
  );
}

function outcomeWords({ outcome }: EpisodeReader, standing: Standing): string {
  if (outcome === undefined) return STANDING_WORDS[standing];
  switch (outcome.kind) {
    case "success":
      return `success at step ${outcome.step}`;
    case "failure":
      return `failure: ${formatName(outcome.reason)}`;
    case "crash":
      return `crash: ${outcome.error}`;
  }
}

function facts({ header }: EpisodeReader): string {
  const again = header.attempt > 1 ? ` · attempt ${header.attempt}` : "";
  const state = header.initialState === undefined ? "" : ` · initial state ${header.initialState}`;
  return `${header.policy.name} on ${header.environment.name} · seed ${header.seed}${state}${again}`;
}

function factsTitle({ header }: EpisodeReader): string {
  const versions = Object.entries({ ...header.environment.versions, ...header.versions });
  return [
    header.episodeId,
    `run ${header.runId}, suite ${header.suite}, task ${header.task}`,
    new Date(Number(header.startedNs / 1_000_000n)).toLocaleString(),
    ...versions.map(([name, version]) => `${name} ${version}`),
  ].join("\n");
}
