#!/usr/bin/env node
/**
 * The `efference` command. Only this folder names concrete policies, robots and simulators, and each
 * command loads its code when it is asked for, so that `--help` and `--version` stay quick.
 */
import { Command, CommanderError, Option } from "commander";
import { runtimeVersions } from "../rollout/versions.ts";
import {
  bodies,
  examples,
  exitCodes,
  fraction,
  nonNegative,
  port,
  positiveInteger,
  recordFormats,
  seconds,
  simSet,
  wholeNumber,
  watching,
} from "./arguments.ts";
import type { CompareOptions } from "./compare.ts";
import type { DemoOptions } from "./demo.ts";
import type { EvalOptions } from "./eval.ts";
import { EXIT, UsageError } from "./exit.ts";
import type { InspectOptions } from "./inspect.ts";
import type { PrepareOptions } from "./libero-prepare.ts";
import type { LiberoCheckOptions } from "./libero.ts";
import type { RecordOptions } from "./record.ts";
import type { ReplayOptions } from "./replay.ts";
import { addReproduce } from "./reproduce/words.ts";
import type { RunSimulatorOptions } from "./sim.ts";
import type { TrainCommandOptions } from "./train.ts";
import type { ViewOptions } from "./view.ts";

const REPORTS = "policies/energy/results";
const COMPARE_EXAMPLES = [
  "efference compare runs/a runs/b",
  `efference compare ${REPORTS}/drawn-rates ${REPORTS}/full --second mix`,
  `efference compare ${REPORTS}/full ${REPORTS}/full --first flow:4 --second mix:2 --only hang`,
  "efference compare runs/pusht runs/gym-pusht --unpaired",
];

const program = new Command("efference")
  .description(
    "Connect simulators and robots, run policies, record episodes, see what they thought.",
  )
  .version(runtimeVersions()["efference"] ?? "unknown")
  .showHelpAfterError("(efference --help shows every command)")
  .exitOverride()
  .addHelpText(
    "after",
    examples([
      "efference demo",
      "efference eval --sim tabletop --suite object --policy scripted --episodes 4",
      "efference view runs/",
    ]) + exitCodes(),
  );

program
  .command("demo")
  .description("evaluate the shipped policies, record, and open the viewer")
  .option(
    "--policy <name>",
    "act or energy-lift (on the tabletop), or energy (on the detour)",
    "act",
  )
  .option("--episodes <n>", "episodes per task", positiveInteger, 3)
  .option("--workers <n>", "simulator processes", positiveInteger, 2)
  .option("--port <port>", "port of the viewer", port, 4870)
  .option("--out <folder>", "where the run is written (default: runs/demo-<time>)")
  .option("--no-open", "do not open a browser")
  .option("--exit", "end after the results instead of serving the viewer")
  .option("--json", "last line of stdout is one JSON object")
  .addHelpText(
    "after",
    examples([
      "efference demo",
      "efference demo --policy energy",
      "efference demo --no-open --exit --json",
    ]),
  )
  .action(async (options: DemoOptions) => (await import("./demo.ts")).demo(options));

const sim = program.command("sim").description("simulators: list them, or run one that dials in");
sim
  .command("list")
  .description("the simulators that run in Node, and their tasks")
  .argument("[name]", "list the tasks of this one")
  .addOption(simSet())
  .option("--json", "as one JSON object")
  .addHelpText("after", examples(["efference sim list", "efference sim list tabletop --json"]))
  .action(async (name: string | undefined, options: { json?: boolean }) =>
    (await import("./sim.ts")).listSimulators(name, options),
  );
sim
  .command("run")
  .description("run a simulator that dials in to a runtime and does as told")
  .argument("<name>", "for instance tabletop")
  .requiredOption(
    "--connect <endpoint>",
    "the runtime's address, for instance tcp://127.0.0.1:5555",
  )
  .addOption(simSet())
  .option("--server-key <z85>", "CURVE: the runtime's public key")
  .option("--key-file <path>", "CURVE: this peer's key pair (JSON with publicKey, secretKey)")
  .option("--retry-s <s>", "give up after so many seconds without a runtime (30)", seconds)
  .addOption(new Option("--supervised").hideHelp())
  .addHelpText("after", examples(["efference sim run tabletop --connect tcp://127.0.0.1:5555"]))
  .action(async (name: string, options: RunSimulatorOptions) =>
    (await import("./sim.ts")).runSimulator(name, options),
  );

sim
  .command("replay")
  .description("step recorded actions, open loop, and say how that ended")
  .requiredOption("--sim <name>", "simulator")
  .addOption(simSet())
  .option("--suite <name>", "suite of the task")
  .requiredOption("--task <name>", "task: its name, or its place in the suite, from 0")
  .option("--init <n>", "fixed initial state", wholeNumber, 0)
  .requiredOption("--actions <file>", "rows of actions: .npy, or bare float64")
  .option("--fresh-controller", "the controller's first substep sees the present state (libero)")
  .option("--settle <n>", "no-op steps before the first row (libero)", wholeNumber, 0)
  .option("--wait <n>", "steps without motion after the last row", wholeNumber, 30)
  .option("--json", "as one JSON object")
  .addHelpText(
    "after",
    examples([
      "efference sim replay --sim libero --suite object --task 0 --init 3 --actions demo.npy",
      "efference sim replay --sim tabletop --task lift_red_cube --init 0 --actions rows.f64 --json",
    ]),
  )
  .action(async (options: ReplayOptions) => (await import("./replay.ts")).replayCommand(options));

const libero = program.command("libero").description("LIBERO's data: export them once, check them");
libero
  .command("prepare")
  .description("export the official tasks into the data folder, once, with the original packages")
  .option("--assets <folder>", "LIBERO's meshes and textures (default: its own download)")
  .option(
    "--data <folder>",
    "the data folder (default: $EFFERENCE_LIBERO, else in the user's cache)",
  )
  .option("--out <folder>", "the same as --data")
  .option("--suite <suites...>", "only these of spatial, object, goal, 10, 90")
  .option("--task <tasks...>", "only these, SUITE/NAME or SUITE/INDEX")
  .option("--no-visuals", "physics only: no images can be drawn from it")
  .option("--workers <n>", "processes, about 1.5 GB each", positiveInteger, 1)
  .option("--json", "last line of stdout is one JSON object")
  .addHelpText(
    "after",
    examples([
      "efference libero prepare",
      "efference libero prepare --assets LIBERO/libero/libero/assets --workers 2",
      "efference libero prepare --suite object --no-visuals --data ./libero",
    ]),
  )
  .action(async (options: PrepareOptions) =>
    (await import("./libero-prepare.ts")).prepareLibero(options),
  );
libero
  .command("check")
  .description("read all exported data and say what is missing or damaged")
  .option("--data <folder>", "where they are (default: $EFFERENCE_LIBERO, else the user's cache)")
  .option("--json", "as one JSON object")
  .addHelpText("after", examples(["efference libero check", "efference libero check --json"]))
  .action(async (options: LiberoCheckOptions) =>
    (await import("./libero.ts")).liberoCheckCommand(options),
  );

program
  .command("keys")
  .description("make a CURVE key pair and print its public key, for links beyond this machine")
  .argument("<file>", "new file for the pair, readable by its owner alone")
  .addHelpText(
    "after",
    examples([
      "efference keys runtime.json",
      "efference eval --listen tcp://0.0.0.0:5555 --server-key-file runtime.json --allow-key PUBLIC",
      "efference sim run tabletop --connect tcp://HOST:5555 --server-key PUBLIC --key-file peer.json",
    ]),
  )
  .action(async (file: string) => (await import("./keys.ts")).keysCommand(file));

program
  .command("eval")
  .description("evaluate a policy: fixed (task, seed) pairs, honest intervals, resumable")
  .option("--sim <name>", "start this simulator's workers (efference sim list)")
  .addOption(simSet())
  .option("--listen <endpoint>", "evaluate whatever simulators dial in, e.g. tcp://127.0.0.1:5555")
  .option("--suite <names>", "suites, comma separated; default: all")
  .option("--task <names>", "tasks, comma separated; default: all of the suites")
  .option(
    "--policy <name>",
    "a name, such as scripted or act, or the folder of a package",
    "scripted",
  )
  .option("--episodes <n>", "episodes per task", positiveInteger, 10)
  .option("--first-state <n>", "initial state of the first episode", wholeNumber, 0)
  .option("--drawn", "starts drawn from the seed instead of fixed initial states")
  .option("--workers <n>", "simulator processes with --sim", positiveInteger, 2)
  .option("--seed <n>", "seed of the whole evaluation", wholeNumber, 0)
  .option("--max-steps <n>", "end episodes after so many control steps", positiveInteger)
  .option("--execute-horizon <n>", "rows executed of each predicted chunk", positiveInteger)
  .addOption(bodies())
  .option("--noise <sigma>", "noise on executed actions (1 = 5 cm per step)", nonNegative)
  .addOption(
    new Option("--device <name>", "for learned policies")
      .choices(["cpu", "webgpu", "cuda"])
      .default("cpu"),
  )
  .option("--record [folder]", "one .mcap per episode; default folder: <out>/episodes")
  .addOption(
    new Option(
      "--thoughts <what>",
      "energies around every chunk, of an energy policy; costs time",
    ).choices(["landscape"]),
  )
  .addOption(watching())
  .option("--ahead <n>", "decide so many steps early, while the arm moves", positiveInteger)
  .option("--out <folder>", "journal and results.json (default: runs/eval-<time>)")
  .option("--resume [folder]", "continue a run that was stopped; its own options are used")
  .option(
    "--step-timeout <s>",
    "a worker that does not answer for so long is replaced",
    seconds,
    30,
  )
  .option("--worker-timeout <s>", "give up when no worker was there for so long", seconds, 60)
  .option("--server-key-file <path>", "CURVE: the runtime's keys (JSON); needed beyond loopback")
  .option("--allow-key <z85...>", "CURVE: public keys of the peers that may dial in")
  .option("--json", "last line of stdout is one JSON object")
  .addHelpText(
    "after",
    examples([
      "efference eval --sim tabletop --suite spatial --policy scripted --episodes 4 --json",
      "efference eval --sim tabletop --task lift_red_cube --policy act --record",
      "efference eval --listen tcp://127.0.0.1:5555 --policy random --episodes 6 --record out/",
      "efference eval --resume runs/eval-20260101-120000",
    ]),
  )
  .action(async (options: EvalOptions) => (await import("./eval.ts")).evalCommand(options));

program
  .command("train")
  .description(
    "train a policy from a configuration; killed at any moment, it goes on with --resume",
  )
  .argument("[config]", "a JSON file; with --resume --out FOLDER the run's own is used")
  .option("--set <path=value...>", "override a value, e.g. optimiser.clipNorm=1")
  .option("--out <folder>", "folder of the run (default: runs/<name>-<time>)")
  .option("--resume", "go on from the newest checkpoint of --out, if there is one")
  .option("--max-steps <n>", "stop after so many updates", positiveInteger)
  .option("--seeds <list>", "one run for each seed, e.g. 0,1,2; with mean and interval")
  .option("--schema", "print the JSON Schema of configurations, for editors, and end")
  .option("--json", "last line of stdout is one JSON object")
  .addHelpText(
    "after",
    examples([
      "efference train policies/act/config/tabletop-lift.json --set data.folders.0=runs/demos/episodes",
      "efference train policies/act/config/tabletop-lift.json --max-steps 200 --out runs/try",
      "efference train --resume --out runs/try",
      "efference train --schema > train.schema.json",
    ]),
  )
  .action(async (config: string | undefined, options: TrainCommandOptions) =>
    (await import("./train.ts")).trainCommand(config, options),
  );

addReproduce(program);

program
  .command("record")
  .description(
    "record demonstrations of the scripted experts, as MCAP, LeRobot v3 or LIBERO's HDF5",
  )
  .requiredOption("--sim <name>", "simulator")
  .addOption(simSet())
  .option("--suite <names>", "suites, comma separated; default: all")
  .option("--task <names>", "tasks, comma separated")
  .option("--policy <name>", "who demonstrates", "scripted")
  .option("--episodes <n>", "episodes per task", positiveInteger, 50)
  .option("--workers <n>", "simulator processes", positiveInteger, 2)
  .option("--seed <n>", "seed", wholeNumber, 0)
  .option("--noise <sigma>", "noise on executed actions (1 = 5 cm per step)", nonNegative, 0)
  .option("--pushes <chance>", "chance per step of a push off the way", fraction, 0)
  .option("--held <share>", "share of noise and pushes while a thing is held", fraction, 0)
  .addOption(
    new Option("--states <which>", "drawn from seeds, or the fixed ones that evaluations use")
      .choices(["drawn", "fixed"])
      .default("drawn"),
  )
  .addOption(bodies())
  .option(
    "--tries <n>",
    "try a state whose expert failed again, with other noise, until it was tried n times",
    positiveInteger,
    1,
  )
  .option("--keep-failures", "keep the recordings of failed demonstrations too")
  .option(
    "--format <names>",
    "comma separated: mcap (an episode each), lerobot (one v3 dataset), hdf5 (LIBERO's, one file per task)",
    recordFormats,
    ["mcap"],
  )
  .option("--out <folder>", "where to (default: runs/record-<time>)")
  .option("--json", "last line of stdout is one JSON object")
  .addHelpText(
    "after",
    examples([
      "efference record --sim tabletop --suite object --episodes 50 --noise 0.1",
      "efference record --sim tabletop --task lift_red_cube --episodes 100 --pushes 0.06",
      "efference record --sim tabletop --task hang_wrench_on_rack --noise 0.1 --held 0.5",
      "efference record --sim tabletop --suite object --format mcap,lerobot",
      "efference record --sim libero --suite object --format hdf5 --out demos",
      "efference record --sim libero --suite goal --states fixed --noise 0.1 --tries 3",
    ]),
  )
  .action(async (options: RecordOptions) => (await import("./record.ts")).recordCommand(options));

program
  .command("view")
  .description(
    "serve the viewer for a folder of episodes and training runs (finished, or going on)",
  )
  .argument("[folder]", "folder with .mcap files and training runs", "runs")
  .option("--port <port>", "port on loopback; 0 = any", port, 4870)
  .option("--no-open", "do not open a browser")
  .option("--play <world/task>", "play a world in the page: tabletop/TASK, libero/SUITE/TASK")
  .option("--policy <policy>", "with --play: a name or a package's folder drives, in the page")
  .option("--static <target>", "write the viewer as a static page to this folder instead")
  .addHelpText(
    "after",
    examples([
      "efference view runs/",
      "efference view --play tabletop/lift_red_cube",
      "efference view --play libero/object/0",
      "efference view --play tabletop/lift_red_cube --policy act",
      "efference view --static public/viewer",
    ]),
  )
  .action(async (folder: string, options: ViewOptions) =>
    (await import("./view.ts")).viewCommand(folder, options),
  );

program
  .command("inspect")
  .description(
    "say what is in an episode (.mcap), a policy package, an ONNX file, a run's results or a training run",
  )
  .argument("<path>", "file or folder")
  .addOption(
    new Option("--by <group>", "rows of a results table")
      .choices(["task", "suite", "family"])
      .default("task"),
  )
  .option("--json", "as one JSON object")
  .addHelpText(
    "after",
    examples([
      "efference inspect runs/demo/episodes/lift_red_cube-i000-s1-a1.mcap",
      "efference inspect model.onnx",
      "efference inspect runs/try --json",
    ]),
  )
  .action(async (path: string, options: InspectOptions) =>
    (await import("./inspect.ts")).inspectCommand(path, options),
  );

program
  .command("compare")
  .description(
    "the paired difference of two evaluations, or reports of reproduce, of the same states",
  )
  .argument("<first>", "results.json of a run or a report, or its folder")
  .argument("<second>", "another one; of reports also the same")
  .option(
    "--first <way>",
    "reports: method and sampler, as mix, mix:2, mix:disturbed (default: all)",
  )
  .option("--second <way>", "reports: against it (default: the same)")
  .option("--only <cells...>", "reports: only what begins so, as hang or hang.mix")
  .option("--unpaired", "evaluations: of other starts, or in two simulators of one world")
  .option("--json", "as one JSON object")
  .addHelpText("after", examples(COMPARE_EXAMPLES))
  .action(async (first: string, second: string, options: CompareOptions) =>
    (await import("./compare.ts")).compareCommand(first, second, options),
  );

program
  .command("doctor")
  .description("check this machine: Node, native modules, devices, Python, browser")
  .option("--gpu", "say what a GPU provider still needs, and how to get it")
  .option("--json", "as one JSON object")
  .addHelpText("after", examples(["efference doctor", "efference doctor --gpu"]))
  .action(async (options: { gpu?: boolean; json?: boolean }) =>
    (await import("./doctor.ts")).doctorCommand(options),
  );

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\n`);
  if (process.env["EFFERENCE_DEBUG"] !== undefined && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ""}\n`);
  }
  return error instanceof UsageError ? EXIT.usage : EXIT.failed;
}
