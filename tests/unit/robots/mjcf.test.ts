import { describe, expect, it } from "vitest";
import { element, toXml } from "../../../robots/mjcf.ts";

describe("toXml()", () => {
  it("nests elements and writes numbers with all their digits", () => {
    const third = 1 / 3;
    const body = element("body", { name: "a", pos: [0, -0.1, third] }, [
      element("geom", { size: third, contype: 0, limited: true }),
    ]);
    expect(toXml(body)).toBe(
      `<body name="a" pos="0 -0.1 ${third}">\n  <geom size="${third}" contype="0" limited="true"/>\n</body>\n`,
    );
    expect(Number(/size="([^"]+)"/.exec(toXml(body))![1])).toBe(third);
  });

  it("leaves out attributes that are undefined", () => {
    expect(toXml(element("geom", { name: "g", quat: undefined }))).toBe(`<geom name="g"/>\n`);
  });

  it("escapes what would end an attribute or begin a tag", () => {
    expect(toXml(element("key", { name: `a"<&` }))).toBe(`<key name="a&#34;&#60;&#38;"/>\n`);
  });

  it.each([Number.NaN, Infinity])("refuses %s, naming the attribute", (value) => {
    expect(() => toXml(element("geom", { size: [1, value] }))).toThrow(
      new RangeError(`Cannot write MJCF: geom.size is ${value}, must be finite`),
    );
  });
});
