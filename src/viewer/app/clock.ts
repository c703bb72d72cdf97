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
  /** Calls back after every change; returns the way to stop. For those who fetch; see `onPresent`. */
  subscribe(listener: (state: ClockState) => void): () => void;
  /** Calls back from `present`; returns the way to stop. For everything that draws. */
  onPresent(listener: (state: ClockState) => void): () => void;
  /**
   * Tells those who draw, if anything has changed since the last call. Called once per frame of the
   * browser, so that the whole page shows the newest moment together and is composed once.
   */
  present(): void;
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
/** Floating-point dust must not show the step before the one meant. */
const DUST_S = 1e-9;

export function createPlaybackClock(): PlaybackClock {
  return new StepClock();
}

class StepClock implements PlaybackClock {
  readonly state = { step: 0, fraction: 0, playing: false, speed: 1, steps: 0 };
  readonly #listeners = new Set<(state: ClockState) => void>();
  readonly #presenters = new Set<(state: ClockState) => void>();
  #changed = false;
  #times: readonly number[] = [];
  #momentS = 0;
  #tickedMs: number | undefined;

  timeS(): number {
    return this.#momentS;
  }

  timeOf(step: number): number {
    return this.#times[Math.max(0, Math.min(step, this.#lastStep))] ?? 0;
  }

  setTimes(timesS: readonly number[], options?: { readonly live?: boolean }): void {
    const { state } = this;
    const atEnd = this.#times.length > 0 && state.step >= this.#lastStep;
    const follow = atEnd && options?.live === true && !state.playing;
    this.#times = timesS;
    state.steps = timesS.length;
    this.#show(follow ? this.timeOf(this.#lastStep) : this.#momentS);
    this.#emit();
  }

  seek(step: number): void {
    this.#show(this.timeOf(Math.round(step)));
    this.#tickedMs = undefined;
    this.#emit();
  }

  seekTime(timeS: number): void {
    this.seek(lastNotAfter(this.#times, timeS + DUST_S));
  }

  play(speed = this.state.speed): void {
    this.state.speed = speed;
    this.state.playing = this.#times.length > 1;
    if (speed > 0 && this.state.step >= this.#lastStep) this.#show(this.timeOf(0));
    if (speed < 0 && this.#momentS <= this.timeOf(0)) this.#show(this.timeOf(this.#lastStep));
    this.#tickedMs = undefined;
    this.#emit();
  }

  pause(): void {
    this.state.playing = false;
    this.#tickedMs = undefined;
    // At rest the page shows a recorded step exactly, never an interpolated one.
    this.#show(this.timeOf(this.state.step));
    this.#emit();
  }

  toggle(): void {
    if (this.state.playing) this.pause();
    else this.play(Math.abs(this.state.speed));
  }

  setSpeed(speed: number): void {
    this.state.speed = speed;
    this.#emit();
  }

  tick(nowMs: number): boolean {
    const { state } = this;
    if (!state.playing) return false;
    const elapsedMs = Math.min(LONGEST_FRAME_MS, nowMs - (this.#tickedMs ?? nowMs));
    this.#tickedMs = nowMs;
    this.#show(this.#momentS + (elapsedMs / 1000) * state.speed);
    const end = this.timeOf(state.speed > 0 ? this.#lastStep : 0);
    if (state.speed > 0 ? this.#momentS >= end : this.#momentS <= end) this.pause();
    else this.#emit();
    return state.playing;
  }

  subscribe(listener: (state: ClockState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onPresent(listener: (state: ClockState) => void): () => void {
    this.#presenters.add(listener);
    return () => this.#presenters.delete(listener);
  }

  present(): void {
    if (!this.#changed) return;
    this.#changed = false;
    for (const listener of this.#presenters) listener(this.state);
  }

  get #lastStep(): number {
    return this.#times.length - 1;
  }

  #show(timeS: number): void {
    const { state } = this;
    this.#momentS = Math.max(this.timeOf(0), Math.min(timeS, this.timeOf(this.#lastStep)));
    state.step = lastNotAfter(this.#times, this.#momentS + DUST_S);
    const from = this.timeOf(state.step);
    const spanS = this.timeOf(state.step + 1) - from;
    state.fraction = spanS > 0 ? Math.max(0, (this.#momentS - from) / spanS) : 0;
  }

  #emit(): void {
    this.#changed = true;
    for (const listener of this.#listeners) listener(this.state);
  }
}
