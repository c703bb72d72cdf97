/** What a person chooses before and while playing: world, task, initial state, who drives. */
import type { TaskInfo } from "../../../core/index.ts";
import { element, setText } from "../dom.ts";
import { formatBytes, formatName } from "../format.ts";

/** `policy:NAME` is a policy package that the server offers. */
export type DriverName = "keyboard" | "expert" | "replay" | PolicyDriver;
export type PolicyDriver = `policy:${string}`;

const POLICY = "policy:";

/** The name of the package, if one drives. */
export function policyOf(driver: DriverName): string | undefined {
  return driver.startsWith(POLICY) ? driver.slice(POLICY.length) : undefined;
}

export interface PlayChoice {
  readonly world: string;
  readonly task: string;
  readonly initialState: number;
  readonly driver: DriverName;
}

export interface PlayPanelOptions {
  /** Something else is to be played. */
  readonly onChange: () => void;
  readonly onPause: () => void;
}

const DRIVERS: Readonly<Record<Exclude<DriverName, PolicyDriver>, string>> = {
  keyboard: "Keyboard",
  expert: "Scripted expert",
  replay: "Actions of the open episode",
};

export class PlayPanel {
  readonly #world = element("select", { attributes: { "aria-label": "World" } });
  readonly #task = element("select", { attributes: { "aria-label": "Task to play" } });
  readonly #state = element("input", {
    attributes: { type: "number", min: "0", step: "1", value: "0", "aria-label": "Initial state" },
  });
  readonly #driver = element("select", { attributes: { "aria-label": "Who drives" } });
  readonly #pause = element("button", { attributes: { type: "button" } }, ["Pause"]);
  readonly #bar = element("progress", { attributes: { "aria-label": "Loading" } });
  readonly #note = element("p", { class: "quiet", attributes: { role: "status" } });
  #tasks: readonly TaskInfo[] = [];
  #policies: readonly string[] = [];
  #offersReplay = false;
  /** A task that was asked for before its world was open. */
  #wanted = "";

  constructor(root: HTMLElement, options: PlayPanelOptions) {
    const again = element("button", { attributes: { type: "button" } }, ["Start again"]);
    again.addEventListener("click", options.onChange);
    this.#pause.addEventListener("click", options.onPause);
    this.#world.addEventListener("change", () => {
      this.#tasks = [];
      this.#wanted = "";
      options.onChange();
    });
    this.#task.addEventListener("change", () => {
      this.#limitState();
      options.onChange();
    });
    this.#state.addEventListener("change", options.onChange);
    this.#driver.addEventListener("change", options.onChange);
    this.#bar.hidden = true;
    this.#setDrivers();
    root.append(
      labelled("World", this.#world),
      labelled("Task", this.#task),
      labelled("Initial state", this.#state),
      labelled("Who drives", this.#driver),
      element("div", { class: "buttons" }, [again, this.#pause]),
      this.#bar,
      this.#note,
    );
  }

  /** What is chosen; the first task until one is. */
  choice(): PlayChoice {
    return {
      world: this.#world.value,
      task: this.#tasks.length === 0 ? this.#wanted : this.#task.value,
      initialState: Math.max(0, Math.trunc(Number(this.#state.value))),
      driver: this.#driver.value as DriverName,
    };
  }

  /** Sets some of the choices, without telling of it. */
  choose(choice: Partial<PlayChoice>): void {
    if (choice.world !== undefined && choice.world !== this.#world.value) {
      // A link may name one before it is known which there are.
      if (![...this.#world.options].some(({ value }) => value === choice.world)) {
        this.#world.append(option(choice.world, formatName(choice.world)));
      }
      this.#world.value = choice.world;
      this.#tasks = [];
    }
    if (choice.task !== undefined) {
      this.#wanted = choice.task;
      if (this.#tasks.length > 0) this.#task.value = this.#taskNamed(choice.task)?.name ?? "";
    }
    if (choice.initialState !== undefined) this.#state.value = String(choice.initialState);
    if (choice.driver !== undefined) {
      const policy = policyOf(choice.driver);
      if (policy !== undefined && !this.#policies.includes(policy)) {
        this.setPolicies([...this.#policies, policy]);
      }
      this.#driver.value = choice.driver;
    }
  }

  setWorlds(worlds: readonly string[]): void {
    const { world } = this.choice();
    const names = world === "" || worlds.includes(world) ? worlds : [...worlds, world];
    this.#world.replaceChildren(...names.map((name) => option(name, formatName(name))));
    if (world !== "") this.#world.value = world;
  }

  /** @returns false if a task was asked for that the world does not have */
  setTasks(tasks: readonly TaskInfo[]): boolean {
    this.#tasks = tasks;
    const suites = [...new Set(tasks.map(({ suite }) => suite))];
    this.#task.replaceChildren(
      ...suites.map((suite) =>
        element(
          "optgroup",
          { attributes: { label: suite } },
          tasks
            .filter((task) => task.suite === suite)
            .map(({ name, instruction }) => option(name, instruction)),
        ),
      ),
    );
    const found = this.#wanted === "" ? tasks[0] : this.#taskNamed(this.#wanted);
    if (found !== undefined) this.#task.value = found.name;
    this.#limitState();
    return found !== undefined;
  }

  /** Whether the tasks of the world are known. */
  get isReady(): boolean {
    return this.#tasks.length > 0;
  }

  /** The world is to be opened anew; what is chosen stays. */
  forgetTasks(): void {
    this.#wanted = this.choice().task;
    this.#tasks = [];
  }

  /** Whether an episode is open whose actions could be played again. */
  offerReplay(offered: boolean): void {
    this.#offersReplay = offered;
    this.#setDrivers();
  }

  /** Policy packages that could drive; one that is chosen stays. */
  setPolicies(names: readonly string[]): void {
    const chosen = policyOf(this.choice().driver);
    this.#policies = chosen === undefined || names.includes(chosen) ? names : [...names, chosen];
    this.#setDrivers();
  }

  #setDrivers(): void {
    const chosen = this.#driver.value;
    const options = [
      option("keyboard", DRIVERS.keyboard),
      option("expert", DRIVERS.expert),
      ...(this.#offersReplay ? [option("replay", DRIVERS.replay)] : []),
      ...this.#policies.map((name) => option(`${POLICY}${name}`, `Policy ${name}`)),
    ];
    this.#driver.replaceChildren(...options);
    if (options.some(({ value }) => value === chosen)) this.#driver.value = chosen;
  }

  setLoading(progress: { what: string; done: number; total: number } | undefined): void {
    this.#bar.hidden = progress === undefined;
    if (progress === undefined) return;
    if (progress.total > 0) {
      this.#bar.max = progress.total;
      this.#bar.value = progress.done;
    } else this.#bar.removeAttribute("value");
    this.say(`Loading the ${progress.what}: ${formatBytes(progress.done)}`);
  }

  setPaused(paused: boolean): void {
    setText(this.#pause, paused ? "Go on" : "Pause");
  }

  say(words: string): void {
    setText(this.#note, words);
  }

  /** By its name, or as SUITE/INDEX. */
  #taskNamed(wanted: string): TaskInfo | undefined {
    const exact = this.#tasks.find(({ name }) => name === wanted);
    const [suite, index] = wanted.split("/");
    return exact ?? this.#tasks.filter((task) => task.suite === suite)[Number(index)];
  }

  #limitState(): void {
    const task = this.#tasks.find(({ name }) => name === this.#task.value);
    const last = Math.max(0, (task?.initialStates ?? 1) - 1);
    this.#state.max = String(last);
    if (Number(this.#state.value) > last) this.#state.value = String(last);
  }
}

function option(value: string, words: string): HTMLOptionElement {
  return element("option", { attributes: { value } }, [words]);
}

function labelled(words: string, control: HTMLElement): HTMLElement {
  return element("label", {}, [element("span", { class: "quiet" }, [words]), control]);
}
