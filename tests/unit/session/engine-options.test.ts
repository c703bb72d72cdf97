import { describe, expect, it } from "vitest";
import { engineOptions } from "../../../src/session/engine-options.ts";

describe("memory of a session", () => {
  it("is planned by the engine", () => {
    expect(engineOptions({})).not.toHaveProperty("enableMemPattern");
    expect(engineOptions({ planMemory: true })).not.toHaveProperty("enableMemPattern");
  });

  it("is not where that is turned off", () => {
    expect(engineOptions({ planMemory: false })).toMatchObject({ enableMemPattern: false });
  });
});
