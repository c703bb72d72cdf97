/** One table of keys: what the page does with them and what the help says about them. */
import { element } from "./dom.ts";

export interface KeyCommand {
  /** As `KeyboardEvent.key` has it; letters in lower case, with `Shift+` where it matters. */
  readonly keys: readonly string[];
  /** As people read it. */
  readonly label: string;
  readonly words: string;
  readonly run: (key: string) => void;
}

/** Listens for the commands in force, everywhere but in text fields. */
export function listenForKeys(inForce: () => readonly KeyCommand[]): void {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const commands = inForce();
    const find = (key: string): KeyCommand | undefined =>
      commands.find(({ keys }) => keys.includes(key));
    const command = find(event.shiftKey ? `Shift+${name}` : name) ?? find(name);
    if (command === undefined) return;
    // Space on a focused button or option would press it as well.
    if (event.target instanceof HTMLElement && name === " ") event.target.blur();
    event.preventDefault();
    command.run(name);
  });
}

function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement)
    return target.type !== "range" && target.type !== "checkbox";
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

export interface Help {
  /** Fills in the commands, in place of those that were listed before. */
  list(commands: readonly KeyCommand[]): void;
  toggle(): void;
  /** True if it was open. */
  close(): boolean;
}

/** The overlay that lists all keys. */
export function createHelp(): Help {
  const keys = element("dl");
  const dialog = element("dialog", { class: "help", attributes: { "aria-label": "Keys" } }, [
    element("h2", {}, ["Keys"]),
    keys,
    element("p", { class: "quiet" }, [
      "Drag on the scrubber or a plot to move in time. Ctrl with the wheel zooms the plots, a double click shows all. Drag in the scene to turn it, right-drag to move it, wheel to zoom.",
    ]),
  ]);
  dialog.addEventListener("click", () => dialog.close());
  document.body.append(dialog);
  return {
    list(commands) {
      keys.replaceChildren(
        ...commands.flatMap(({ label, words }) => {
          const parts = label.split(" ").map((key) => element("kbd", {}, [key]));
          return [element("dt", {}, parts), element("dd", {}, [words])];
        }),
      );
    },
    toggle() {
      if (dialog.open) dialog.close();
      else dialog.showModal();
    },
    close() {
      const was = dialog.open;
      dialog.close();
      return was;
    },
  };
}
