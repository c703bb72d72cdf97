/** What the page says while nothing is open: what to do next. */
import { element } from "./dom.ts";
import type { Connection } from "./library.ts";

export function drawWelcome(
  root: HTMLElement,
  state: { connection: Connection; episodes: number; choose: () => void },
): void {
  const open = element("button", { attributes: { type: "button" }, on: { click: state.choose } }, [
    "Open an episode file",
  ]);
  const words =
    state.connection === "none"
      ? [
          "Drop an episode here",
          "An .mcap file from your disk; it is read in place and sent nowhere.",
        ]
      : state.episodes === 0
        ? ["No episodes yet", "They appear here as soon as a run records them: "]
        : [
            "Choose an episode",
            "From the list on the left, or drop an .mcap file anywhere on this page.",
          ];
  const command = state.connection !== "none" && state.episodes === 0;
  root.replaceChildren(
    element("h1", {}, [words[0]]),
    element("p", { class: "quiet" }, [
      words[1],
      command ? element("code", {}, ["npx efference eval"]) : undefined,
    ]),
    open,
  );
}
