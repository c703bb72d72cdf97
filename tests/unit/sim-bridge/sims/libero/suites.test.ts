import { describe, expect, it } from "vitest";
import { officialLanguage } from "../../../../../sim-bridge/sims/libero/suites.ts";

describe("officialLanguage()", () => {
  it.each([
    ["pick_up_the_milk_and_place_it_in_the_basket", "pick up the milk and place it in the basket"],
    ["KITCHEN_SCENE10_close_the_top_drawer_of_the_cabinet", "close the top drawer of the cabinet"],
    [
      "LIVING_ROOM_SCENE1_pick_up_the_ketchup_and_put_it_in_the_basket",
      "pick up the ketchup and put it in the basket",
    ],
    [
      "STUDY_SCENE1_pick_up_the_book_and_place_it_in_the_front_compartment_of_the_caddy",
      "pick up the book and place it in the front compartment of the caddy",
    ],
  ])("of %s", (name, words) => {
    expect(officialLanguage(name)).toBe(words);
  });
});
