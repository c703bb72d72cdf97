/** The page's address, which always says what is shown: written a little later than it changes. */
import type { DeepLink } from "./deep-link.ts";
import { formatDeepLink } from "./deep-link.ts";

/** Browsers limit how often a page may write its address. */
const WRITE_AFTER_MS = 250;

export interface AddressOptions {
  readonly current: () => DeepLink;
  /** False while the address must stay as it is: when playing, or while a link is being followed. */
  readonly mayWrite: () => boolean;
}

export class Address {
  readonly #options: AddressOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: AddressOptions) {
    this.#options = options;
  }

  /** Something has changed. */
  touch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#options.mayWrite()) this.#write();
    }, WRITE_AFTER_MS);
  }

  /** Puts the address into the clipboard; false where the browser does not allow it. */
  async copy(): Promise<boolean> {
    this.#write();
    try {
      await navigator.clipboard.writeText(location.href);
      return true;
    } catch {
      return false;
    }
  }

  #write(): void {
    history.replaceState(null, "", formatDeepLink(this.#options.current()));
  }
}
