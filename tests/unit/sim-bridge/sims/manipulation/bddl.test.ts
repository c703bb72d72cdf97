import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  parseBddl,
  printBddl,
  regionFullName,
  type BddlProblem,
} from "../../../../../sim-bridge/sims/manipulation/bddl.ts";
import { PREDICATES } from "../../../../../sim-bridge/sims/manipulation/predicates.ts";

const PROBLEM = `; a comment before everything
(define (problem LIBERO_Tabletop_Manipulation)
  (:domain robosuite)
  (:language Put the bowl on the plate, please)
    (:regions
      (plate_region
          (:target main_table)
          (:ranges ((0.04 -0.03 0.060000000000000005 -0.01) (-.1 0 1e-1 +2)))
          (:yaw_rotation ((0.0 3.14)))
      )
      (top_region (:target wooden_cabinet_1))
      (top_region (:target wine_rack_1))
    )
  (:fixtures
    main_table - table
    wooden_cabinet_1 wooden_cabinet_2 - wooden_cabinet ; two of one type
  )
  (:OBJECTS plate_1 - plate  bowl_1 - akita_black_bowl)
  (:obj_of_interest bowl_1 plate_1)
  (:init (On plate_1 main_table_plate_region) (OPEN wooden_cabinet_1_top_region))
  (:goal (And (On bowl_1 plate_1) (Close wooden_cabinet_1_top_region)))
)`;

describe("parseBddl()", () => {
  it("reads every section of LIBERO's dialect", () => {
    expect(parseBddl(PROBLEM)).toEqual({
      name: "LIBERO_Tabletop_Manipulation",
      domain: "robosuite",
      language: "Put the bowl on the plate, please",
      regions: [
        {
          name: "plate_region",
          target: "main_table",
          ranges: [
            [0.04, -0.03, 0.060000000000000005, -0.01],
            [-0.1, 0, 0.1, 2],
          ],
          yawRotation: [[0, 3.14]],
        },
        { name: "top_region", target: "wooden_cabinet_1", ranges: [], yawRotation: [] },
        { name: "top_region", target: "wine_rack_1", ranges: [], yawRotation: [] },
      ],
      fixtures: [
        { name: "main_table", type: "table" },
        { name: "wooden_cabinet_1", type: "wooden_cabinet" },
        { name: "wooden_cabinet_2", type: "wooden_cabinet" },
      ],
      objects: [
        { name: "plate_1", type: "plate" },
        { name: "bowl_1", type: "akita_black_bowl" },
      ],
      objectsOfInterest: ["bowl_1", "plate_1"],
      init: [
        ["on", "plate_1", "main_table_plate_region"],
        ["open", "wooden_cabinet_1_top_region"],
      ],
      goal: [
        ["on", "bowl_1", "plate_1"],
        ["close", "wooden_cabinet_1_top_region"],
      ],
    });
  });

  it("takes a goal of one atom without And", () => {
    const text = "(define (problem p) (:goal (Open drawer)))";
    expect(parseBddl(text).goal).toEqual([["open", "drawer"]]);
  });

  it.each([
    ["", /text is empty.*line 1, column 1/],
    ["(define (problem p)\n  (:goal (And))", /never closed \(line 1, column 1\)/],
    ["(define (problem p) (:goal (And))))", /closes that none opened|text follows/],
    ["(define (problem p) (:goal (And))) extra", /text follows the end.*column 36/],
    ["(problem p)", /must be \(define/],
    ["(define (problem) (:goal (And)))", /no name/],
    ["(define (problem p)\n  (:gaol (And)))", /section is ":gaol".*line 2, column 3/],
    ["(define (problem p) (:goal (And)) (:goal (And)))", /second :goal/],
    ["(define (problem p))", /no \(:goal/],
    ["(define (problem p) (:goal (And (Not (On a b)))))", /"not" is nested/],
    ["(define (problem p) (:goal (Or (On a b))))", /"or" is nested/],
    ["(define (problem p) (:goal (And (On a (b)))))", /list stands where a single word/],
    ["(define (problem p) (:objects a b - t c) (:goal (And)))", /"c" has no type/],
    ["(define (problem p) (:objects - t) (:goal (And)))", /dash stands alone/],
    ["(define (problem p) (:objects a -) (:goal (And)))", /dash stands alone/],
    ["(define (problem p) (:objects a - t a - t) (:goal (And)))", /"a" is declared twice/],
    ["(define (problem p) (:regions (r (:ranges ((1 2 3 4))))) (:goal (And)))", /no :target/],
    [
      "(define (problem p) (:regions (r (:target t) (:ranges ((1 2 3))))) (:goal (And)))",
      /has 3 numbers, must have 4/,
    ],
    [
      "(define (problem p) (:regions (r (:target t) (:ranges ((1 2 x 4))))) (:goal (And)))",
      /"x" stands where a finite number/,
    ],
    [
      "(define (problem p) (:regions (r (:target t) (:ranges ((1 2 Infinity 4))))) (:goal (And)))",
      /finite number/,
    ],
    [
      "(define (problem p) (:regions (r (:target t) (:colour red))) (:goal (And)))",
      /property of the region is unknown/,
    ],
  ])("refuses %s", (text, message) => {
    expect(() => parseBddl(text)).toThrow(SyntaxError);
    expect(() => parseBddl(text)).toThrow(message);
  });

  it("refuses predicates that are not known, and says where they are", () => {
    const text = "(define (problem p)\n  (:goal (And (On a b)\n    (Juggle a b c))))";
    expect(parseBddl(text).goal).toHaveLength(2);
    expect(() => parseBddl(text, { predicates: PREDICATES })).toThrow(
      /"juggle" is unknown, must be one of true false in on .* \(line 3, column 5\)/,
    );
    const single = text.replace(/\(And .*\n/, "").replace("c))))", "c)))");
    expect(() => parseBddl(single, { predicates: ["on"] })).toThrow(/must be one of on \(line 2/);
    expect(parseBddl(text, { predicates: ["on", "juggle"] }).goal).toHaveLength(2);
  });

  it("has limits on length and depth", () => {
    expect(() => parseBddl(" ".repeat(300_000))).toThrow(RangeError);
    expect(() => parseBddl("(".repeat(10_000))).toThrow(/nested deeper than 16/);
  });

  it("reads -0 as 0, so that what is printed reads the same", () => {
    const problem = parseBddl(PROBLEM.replace("-0.03", "-0"));
    expect(problem.regions[0]!.ranges[0]![1]).toBe(0);
    expect(parseBddl(printBddl(problem))).toEqual(problem);
  });

  it("never fails otherwise than by its documented errors, on mutilated problems", () => {
    const cut = fc.record({
      at: fc.nat(PROBLEM.length),
      length: fc.nat(40),
      insert: fc.string({ maxLength: 5, unit: fc.constantFrom(..."() -:;\na1.\u0000é") }),
    });
    fc.assert(
      fc.property(fc.array(cut, { minLength: 1, maxLength: 4 }), (cuts) => {
        let text = PROBLEM;
        for (const { at, length, insert } of cuts) {
          text = text.slice(0, at) + insert + text.slice(at + length);
        }
        try {
          const problem = parseBddl(text);
          expect(parseBddl(printBddl(problem))).toEqual(problem);
        } catch (error) {
          const isDocumented = error instanceof SyntaxError || error instanceof RangeError;
          expect(isDocumented, String(error)).toBe(true);
          expect((error as Error).message).toMatch(/^Cannot (parse|print) BDDL: /);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("printBddl()", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/);
  const coordinate = fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0);
  const atom = fc
    .tuple(fc.constantFrom("on", "in", "open"), fc.array(name, { maxLength: 2 }))
    .map(([predicate, names]) => [predicate, ...names] as const);
  const problem: fc.Arbitrary<BddlProblem> = fc.record({
    name,
    domain: name,
    language: fc
      .array(fc.stringMatching(/^[A-Za-z,.']{1,6}$/), { maxLength: 6 })
      .map((w) => w.join(" ")),
    regions: fc.uniqueArray(
      fc.record({
        name,
        target: name,
        ranges: fc.array(fc.tuple(coordinate, coordinate, coordinate, coordinate), {
          maxLength: 2,
        }),
        yawRotation: fc.array(fc.tuple(coordinate, coordinate), { maxLength: 2 }),
      }),
      { maxLength: 3, selector: regionFullName },
    ),
    fixtures: fc.constant([{ name: "Fixture", type: "table" }]),
    objects: fc.uniqueArray(fc.record({ name: name.map((n) => `X${n}`), type: name }), {
      maxLength: 4,
      selector: (object) => object.name,
    }),
    objectsOfInterest: fc.array(name, { maxLength: 2 }),
    init: fc.array(atom, { maxLength: 3 }),
    goal: fc.array(atom, { maxLength: 3 }),
  });

  it("is undone by parseBddl()", () => {
    fc.assert(
      fc.property(problem, (p) => {
        expect(parseBddl(printBddl(p))).toEqual(p);
      }),
    );
    expect(parseBddl(printBddl(parseBddl(PROBLEM)))).toEqual(parseBddl(PROBLEM));
  });

  it("refuses words that could not be read back", () => {
    const base = parseBddl(PROBLEM);
    expect(() => printBddl({ ...base, language: "close (it)" })).toThrow(RangeError);
    expect(() => printBddl({ ...base, objects: [{ name: "-", type: "t" }] })).toThrow(RangeError);
    expect(() => printBddl({ ...base, goal: [["on", "a b"]] })).toThrow(RangeError);
  });
});
