/** What the keys do. The table is also the help, so the two cannot differ. */
import type { PlaybackClock } from "./clock.ts";
import type { KeyCommand } from "./keyboard.ts";

/** What the keys can do besides moving the clock. */
export interface CommandActions {
  readonly openNeighbour: (by: number) => void;
  readonly focusFilter: () => void;
  readonly toggleCamera: (index: number) => void;
  readonly toggleFollow: () => void;
  readonly resetView: () => void;
  readonly openFile: () => void;
  readonly toggleHelp: () => void;
  readonly closeLarge: () => void;
  readonly toggleTraining: () => void;
}

const FASTEST = 4;

export function createCommands(
  clock: PlaybackClock,
  actions: CommandActions,
): readonly KeyCommand[] {
  return [...timeCommands(clock), ...pageCommands(actions)];
}

function timeCommands(clock: PlaybackClock): KeyCommand[] {
  const stepBy = (by: number): void => {
    clock.pause();
    clock.seek(clock.state.step + by);
  };
  const playFaster = (): void => {
    const { playing, speed } = clock.state;
    clock.play(playing && speed > 0 ? Math.min(FASTEST, speed * 2) : 1);
  };
  return [
    { keys: [" "], label: "Space", words: "play or pause", run: () => clock.toggle() },
    {
      keys: ["ArrowLeft", "ArrowRight"],
      label: "← →",
      words: "one step",
      run: (key) => stepBy(key === "ArrowLeft" ? -1 : 1),
    },
    {
      keys: ["Shift+ArrowLeft", "Shift+ArrowRight"],
      label: "Shift ← →",
      words: "ten steps",
      run: (key) => stepBy(key === "ArrowLeft" ? -10 : 10),
    },
    {
      keys: ["Home", "End"],
      label: "Home End",
      words: "first and last step",
      run: (key) => stepBy(key === "Home" ? -Infinity : Infinity),
    },
    { keys: ["j"], label: "J", words: "play backwards", run: () => clock.play(-1) },
    { keys: ["k"], label: "K", words: "pause", run: () => clock.pause() },
    { keys: ["l"], label: "L", words: "play; again: twice as fast", run: playFaster },
  ];
}

function pageCommands(actions: CommandActions): KeyCommand[] {
  return [
    {
      keys: ["ArrowUp", "ArrowDown"],
      label: "↑ ↓",
      words: "previous and next episode",
      run: (key) => actions.openNeighbour(key === "ArrowUp" ? -1 : 1),
    },
    { keys: ["/"], label: "/", words: "filter the episodes", run: actions.focusFilter },
    {
      keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"],
      label: "1 – 9",
      words: "enlarge a camera image",
      run: (key) => actions.toggleCamera(Number(key) - 1),
    },
    { keys: ["f"], label: "F", words: "follow the gripper", run: actions.toggleFollow },
    { keys: ["r"], label: "R", words: "show the whole scene again", run: actions.resetView },
    { keys: ["o"], label: "O", words: "open a file", run: actions.openFile },
    ...sharedCommands(actions),
    { keys: ["Escape"], label: "Esc", words: "close what is enlarged", run: actions.closeLarge },
  ];
}

/** What the keys do in front of episodes and of training runs. */
export function sharedCommands(
  actions: Pick<CommandActions, "toggleTraining" | "toggleHelp">,
): KeyCommand[] {
  return [
    { keys: ["t"], label: "T", words: "episodes or training", run: actions.toggleTraining },
    { keys: ["?", "Shift+?"], label: "?", words: "these keys", run: actions.toggleHelp },
  ];
}
