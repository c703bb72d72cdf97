import { expect, it } from "vitest";
import { opsPage } from "../support/ops-page.ts";

it("docs/ops.md is what `npm run docs:ops` makes of the tables", async () => {
  await expect(await opsPage()).toMatchFileSnapshot("../../docs/ops.md");
});
