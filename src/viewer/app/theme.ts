/** The colours of the stylesheet as plain strings for canvases, and a word when the system changes them. */

export interface Theme {
  readonly dark: boolean;
  readonly ink: string;
  readonly quiet: string;
  readonly faint: string;
  readonly surface: string;
  readonly background: string;
  readonly accent: string;
  readonly success: string;
  readonly failure: string;
  readonly crash: string;
  /** Okabe & Ito 2008, the order chosen so that neighbours differ in lightness as well as hue. */
  readonly series: readonly string[];
}

export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    ink: color("ink"),
    quiet: color("quiet"),
    faint: color("faint"),
    surface: color("surface"),
    background: color("background"),
    accent: color("accent"),
    success: color("success"),
    failure: color("failure"),
    crash: color("crash"),
    series: Array.from({ length: 7 }, (_, index) => color(`series-${index}`)),
  };
}

/** Calls back with the new theme when the system switches between light and dark. */
export function onThemeChange(listener: (theme: Theme) => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    listener(readTheme()),
  );
}
