/**
 * The one clock of the page. Everything that shows a moment listens here; nothing else keeps a time.
 * It knows the times of the recorded steps and no episode, no element and no timer: `tick` is told the time.
 */
export interface ClockState {
  /** Index of the step shown. */
  readonly step: number;
  /** How far towards the next step, [0, 1); 0 unless playing. */
  readonly fraction: number;
  readonly playing: boolean;
  /** 1 = as recorded; negative plays backwards. */
  readonly speed: number;
  readonly steps: number;
}

export interface PlaybackClock {
  readonly state: ClockState;
  /** Seconds since reset of the moment shown, between steps too. */
  timeS(): number;
  /** Seconds since reset of a step. */
  timeOf(step: number): number;
  /** The times of all steps, ascending, s. Keeps the moment; stays at the end if it was there and `live`. */
  setTimes(timesS: readonly number[], options?: { readonly live?: boolean }): void;
  seek(step: number): void;
  /** The last step that is not later. */
  seekTime(timeS: number): void;
  play(speed?: number): void;
  pause(): void;
  toggle(): void;
  setSpeed(speed: number): void;
  /** Advances a playing clock to `nowMs`; true while it wants to be called again. */
  tick(nowMs: number): boolean;
  /** Calls back after every change; returns the way to stop. */
  subscribe(listener: (state: ClockState) => void): () => void;
}

/** Index of the last entry that is `<= value`, at least 0. */
export function lastNotAfter(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** Longest time one frame may advance: a page that slept does not jump. */
const LONGEST_FRAME_MS = 250;

export function createPlaybackClock(): PlaybackClock {
  const state = { step: 0, fraction: 0, playing: false, speed: 1, steps: 0 };
  const listeners = new Set<(state: ClockState) => void>();
  let times: readonly number[] = [];
  let momentS = 0;
  let tickedMs: number | undefined;

  const emit = (): void => {
    for (const listener of listeners) listener(state);
  };
  const timeOf = (step: number): number =>
    times[Math.max(0, Math.min(step, times.length - 1))] ?? 0;
  const show = (timeS: number): void => {
    momentS = Math.max(timeOf(0), Math.min(timeS, timeOf(times.length - 1)));
    // Floating-point dust must not show the step before the one meant.
    state.step = lastNotAfter(times, momentS + 1e-9);
    const from = timeOf(state.step);
    const spanS = timeOf(state.step + 1) - from;
    state.fraction = spanS > 0 ? Math.max(0, (momentS - from) / spanS) : 0;
  };
  const pause = (): void => {
    state.playing = false;
    tickedMs = undefined;
    // At rest the page shows a recorded step exactly, never an interpolated one.
    show(timeOf(state.step));
    emit();
  };

  return {
    state,
    timeS: () => momentS,
    timeOf,
    setTimes(timesS, options) {
      const atEnd = times.length > 0 && state.step >= times.length - 1;
      times = timesS;
      state.steps = times.length;
      show(atEnd && options?.live === true && !state.playing ? timeOf(times.length - 1) : momentS);
      emit();
    },
    seek(step) {
      show(timeOf(Math.round(step)));
      tickedMs = undefined;
      emit();
    },
    seekTime(timeS) {
      show(timeOf(lastNotAfter(times, timeS + 1e-9)));
      tickedMs = undefined;
      emit();
    },
    play(speed = state.speed) {
      state.speed = speed;
      state.playing = times.length > 1;
      const last = times.length - 1;
      if (speed > 0 && state.step >= last) show(timeOf(0));
      if (speed < 0 && momentS <= timeOf(0)) show(timeOf(last));
      tickedMs = undefined;
      emit();
    },
    pause,
    toggle() {
      if (state.playing) pause();
      else this.play(Math.abs(state.speed));
    },
    setSpeed(speed) {
      state.speed = speed;
      emit();
    },
    tick(nowMs) {
      if (!state.playing) return false;
      const elapsedMs = Math.min(LONGEST_FRAME_MS, nowMs - (tickedMs ?? nowMs));
      tickedMs = nowMs;
      show(momentS + (elapsedMs / 1000) * state.speed);
      const ended = state.speed > 0 ? momentS >= timeOf(times.length - 1) : momentS <= timeOf(0);
      if (ended) pause();
      else emit();
      return state.playing;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
