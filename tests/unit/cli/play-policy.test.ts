import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/cli/exit.ts";
import { policyToPlay } from "../../../src/cli/play-policy.ts";
import { viewCommand } from "../../../src/cli/view.ts";
import { shippedActPackage } from "../../../policies/act/index.ts";
import { shippedEnergyPackage } from "../../../policies/energy/index.ts";

describe("policyToPlay()", () => {
  it("finds a package by its name or its folder", async () => {
    expect(await policyToPlay("tabletop", "act")).toEqual({
      name: "act",
      folder: shippedActPackage(),
    });
    expect(await policyToPlay("detour", shippedEnergyPackage())).toEqual({
      name: "detour",
      folder: shippedEnergyPackage(),
    });
  });

  it("refuses one that does not fit the world, with every difference", async () => {
    await expect(policyToPlay("detour", "act")).rejects.toThrow(
      /Cannot let "act" drive "detour": image "front" is .*; image "wrist" is .*action/,
    );
    await expect(policyToPlay("tabletop", "energy")).rejects.toThrow(/"position".*action/);
  });

  it("refuses what is no package", async () => {
    await expect(policyToPlay("tabletop", "scripted")).rejects.toThrow(
      /Cannot use policy "scripted" here: it is no package, must be one of act, act-libero-object, act-libero-spatial, act-libero-goal, energy, energy-lift or/,
    );
    await expect(policyToPlay("tabletop", "nobody")).rejects.toThrow(UsageError);
    await expect(policyToPlay("moon", "act")).rejects.toThrow(UsageError);
  });
});

describe("viewCommand()", () => {
  it("wants a world for a policy", async () => {
    const options = { policy: "act", port: 0, open: false };
    await expect(viewCommand(".", options)).rejects.toThrow(
      'Cannot let "act" drive: --play is absent, must name a world and a task',
    );
  });
});
