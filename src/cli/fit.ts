import { simulatorNamed } from "./registry.ts";

export interface FitCommandOptions {
  sim: string;
  demonstrations: number;
  seed: number;
  out: string;
  json?: boolean;
}

/** `efference fit`: demonstrate with the scripted expert, fit in closed form, write a policy package. */
export async function fitCommand(options: FitCommandOptions): Promise<void> {
  const { fitLift, fittedPackage } = await import("../../policies/fitted/index.ts");
  const { scriptedPolicy } = await import("../../policies/scripted/index.ts");
  const { hashPackage, writePolicyPackage } = await import("../package/index.ts");
  const environment = await simulatorNamed(options.sim).create();
  try {
    const { seed, demonstrations, out } = options;
    const expert = scriptedPolicy();
    const onProgress = (words: string): void => {
      process.stderr.write(`${words}\n`);
    };
    const fit = await fitLift({ environment, expert, demonstrations, seed, onProgress });
    const { name, version, versions } = environment.identity;
    const provenance = {
      command: `efference fit --sim ${options.sim} --demonstrations ${demonstrations} --seed ${seed}`,
      environment: { name, version, versions },
      expert: expert.spec.name,
    };
    const content = fittedPackage(fit, { name: "fitted_lift", environment, provenance });
    await writePolicyPackage(out, content, { overwrite: true });
    const hash = await hashPackage(out);
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify({ folder: out, hash, report: fit.report })}\n`
        : `wrote ${out}\nsha256 ${hash}\n`,
    );
  } finally {
    await environment.close();
  }
}
