import { describe, expect, it } from "vitest";
import { createPlaybackClock, lastNotAfter } from "../../../../src/viewer/app/clock.ts";

const TIMES = Array.from({ length: 11 }, (_, step) => step * 0.05);

function clockAt(step = 0): ReturnType<typeof createPlaybackClock> {
  const clock = createPlaybackClock();
  clock.setTimes(TIMES);
  clock.seek(step);
  return clock;
}

describe("createPlaybackClock()", () => {
  it("tells those who draw of the newest moment once, however often it changed", () => {
    const clock = clockAt();
    clock.present();
    const fetched: number[] = [];
    const drawn: number[] = [];
    const stop = clock.onPresent(({ step }) => drawn.push(step));
    clock.subscribe(({ step }) => fetched.push(step));
    for (const step of [3, 5, 8]) clock.seek(step);
    expect([fetched, drawn]).toEqual([[3, 5, 8], []]);
    clock.present();
    clock.present();
    expect(drawn).toEqual([8]);
    stop();
    clock.seek(1);
    clock.present();
    expect(drawn).toEqual([8]);
  });
  it("seeks to steps and stays inside the episode", () => {
    const clock = clockAt();
    for (const [asked, step] of [
      [4, 4],
      [-3, 0],
      [99, 10],
      [Infinity, 10],
      [-Infinity, 0],
    ] as const) {
      clock.seek(asked);
      expect(clock.state.step).toBe(step);
      expect(clock.timeS()).toBe(TIMES[step]);
    }
  });
  it("finds the step of every recorded time, exactly", () => {
    const clock = clockAt();
    for (const [step, timeS] of TIMES.entries()) {
      clock.seekTime(timeS);
      expect(clock.state.step).toBe(step);
    }
    // A link has milliseconds.
    clock.seekTime(0.349);
    expect(clock.state.step).toBe(6);
  });
  it("plays in real time, between steps too, and stops at the end on a recorded step", () => {
    const clock = clockAt();
    clock.play(1);
    expect(clock.tick(1000)).toBe(true);
    clock.tick(1125);
    expect(clock.state.step).toBe(2);
    expect(clock.state.fraction).toBeCloseTo(0.5, 6);
    clock.tick(1325);
    clock.tick(1525);
    expect(clock.state).toMatchObject({ step: 10, fraction: 0, playing: false });
    expect(clock.tick(1600)).toBe(false);
  });
  it("plays again from the start when it is at the end, and backwards from the end", () => {
    const clock = clockAt(10);
    clock.play(1);
    expect(clock.state).toMatchObject({ step: 0, playing: true });
    clock.seek(0);
    clock.play(-1);
    expect(clock.state.step).toBe(10);
    clock.tick(0);
    clock.tick(100);
    expect(clock.state.step).toBe(8);
  });
  it("does not jump after the page slept", () => {
    const clock = clockAt();
    clock.play(1);
    clock.tick(0);
    clock.tick(60_000);
    expect(clock.timeS()).toBeLessThanOrEqual(0.25);
  });
  it("shows a recorded step when paused in between", () => {
    const clock = clockAt();
    clock.play(1);
    clock.tick(0);
    clock.tick(70);
    expect(clock.state.fraction).toBeGreaterThan(0);
    clock.pause();
    expect(clock.state).toMatchObject({ step: 1, fraction: 0 });
  });
  it("follows the end of a live episode, and only if it was there", () => {
    const clock = clockAt(10);
    clock.setTimes([...TIMES, 0.55, 0.6], { live: true });
    expect(clock.state.step).toBe(12);
    clock.seek(5);
    clock.setTimes([...TIMES, 0.55, 0.6, 0.65], { live: true });
    expect(clock.state.step).toBe(5);
  });
  it("tells listeners of every change until they stop", () => {
    const clock = clockAt();
    const seen: number[] = [];
    const stop = clock.subscribe(({ step }) => seen.push(step));
    clock.seek(3);
    stop();
    clock.seek(4);
    expect(seen).toEqual([3]);
  });
  it("has a moment without any episode", () => {
    const clock = createPlaybackClock();
    clock.play();
    expect(clock.tick(0)).toBe(false);
    expect([clock.timeS(), clock.timeOf(7), clock.state.step]).toEqual([0, 0, 0]);
  });
});

describe("lastNotAfter()", () => {
  it("is the last entry not greater, or the first", () => {
    expect([-1, 0, 0.99, 1, 7].map((value) => lastNotAfter([0, 1, 2], value))).toEqual([
      0, 0, 0, 1, 2,
    ]);
  });
});
