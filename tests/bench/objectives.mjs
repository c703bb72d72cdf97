/**
 * What an update costs by objective: all methods that `efference reproduce ebt` compares, in their networks of 0.6 million
 * parameters, batches of 32, one thread, in turns. Ratios are to flow matching in the same run, so that they say how many
 * updates it gets in the time of one. Data are drawn: nothing is learned.
 *
 *     npm run bench -- objectives [paper | mix | once | equilibrium | ddpm | flow | mse ...] [--json]
 */
import { METHODS, methodNamed } from "../../dist/src/cli/reproduce/study.js";
import { compareOwn, ms, printRow } from "./_compare.mjs";

const THREADS = 1;
const FLOOR = "flow";
const NAMES = METHODS.map(({ name }) => name);

export default {
  name: "objectives",
  title: "an update by objective (its time / flow matching's)",
  cases: NAMES,
  async run(print, { cases = NAMES } = {}) {
    const names = [FLOOR, ...NAMES.filter((name) => name !== FLOOR && cases.includes(name))];
    const sides = await compareOwn(
      names.map((name) => `update-${name}`),
      THREADS,
    );
    const [floor] = sides;
    printRow(print, {
      what: "objective",
      ours: "an update",
      peer: "flow",
      ratio: "ratio",
      goal: "",
    });
    return sides.map((side, i) => {
      const ratio = side.medianMs / floor.medianMs;
      printRow(print, {
        what: `${methodNamed(names[i]).title}, ${side.ready.parameterCount} parameters`,
        ours: ms(side),
        peer: ms(floor),
        ratio: `${ratio.toFixed(2)} (${(side.minMs / floor.minMs).toFixed(2)})`,
        goal: "-",
      });
      return { name: names[i], medianMs: side.medianMs, minMs: side.minMs, ratio };
    });
  },
};
