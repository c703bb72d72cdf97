/** A small observable value: read it, patch it, hear of changes. All page state but time lives in one. */
export interface Store<State extends object> {
  get(): Readonly<State>;
  /** Changes some fields and tells the listeners of those that differ. */
  set(patch: Partial<State>): void;
  /** Calls back when one of `keys` has changed; returns the way to stop. */
  on<Key extends keyof State>(keys: readonly Key[], listener: (state: State) => void): () => void;
}

export function createStore<State extends object>(initial: State): Store<State> {
  let state = initial;
  const listeners = new Set<{ keys: readonly (keyof State)[]; call: (state: State) => void }>();
  return {
    get: () => state,
    set(patch) {
      const before = state;
      state = { ...state, ...patch };
      const changed = (key: keyof State): boolean => !Object.is(before[key], state[key]);
      for (const { keys, call } of [...listeners]) if (keys.some(changed)) call(state);
    },
    on(keys, call) {
      const entry = { keys, call };
      listeners.add(entry);
      return () => listeners.delete(entry);
    },
  };
}
