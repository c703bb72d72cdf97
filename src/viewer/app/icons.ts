/** The few signs of the page as SVG: outcome by shape as well as colour, and the transport buttons. */
import type { Standing } from "./filter.ts";

const SHAPES: Readonly<Record<Standing, string>> = {
  success:
    '<circle cx="8" cy="8" r="7" fill="currentColor"/><path d="M4.6 8.3l2.3 2.3 4.5-4.8" class="cut"/>',
  failure:
    '<rect x="1.5" y="1.5" width="13" height="13" rx="2.5" fill="currentColor"/><path d="M5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6" class="cut"/>',
  crash:
    '<path d="M8 1.2l7 13H1z" fill="currentColor" stroke="currentColor" stroke-linejoin="round"/><path d="M8 6v4M8 11.8v.6" class="cut"/>',
  running:
    '<circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="2"/><circle cx="8" cy="8" r="2.6" fill="currentColor" class="pulse"/>',
  cut_off:
    '<circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="2" stroke-dasharray="3 2.6"/>',
  unreadable:
    '<path d="M3.5 3.5l9 9M12.5 3.5l-9 9" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"/>',
};

const SIGNS = {
  play: '<path d="M4 2.5v11l9.5-5.5z" fill="currentColor"/>',
  pause: '<path d="M3.5 2.5h3.2v11H3.5zM9.3 2.5h3.2v11H9.3z" fill="currentColor"/>',
  back: '<path d="M11.5 3v10L5 8zM3.2 3h1.9v10H3.2z" fill="currentColor"/>',
  forward: '<path d="M4.5 3v10L11 8zM10.9 3h1.9v10h-1.9z" fill="currentColor"/>',
  link: '<path d="M6.7 9.3l2.6-2.6M7 4.8l1.6-1.6a2.9 2.9 0 014.1 4.1L11.100 8.900M9 11.200l-1.600 1.600a2.900 2.900 0 01-4.100-4.100L4.900 7.100" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"/>',
  open: '<path d="M8 10.500V2.500M4.900 5.400L8 2.300l3.100 3.100M2.500 10.500v3h11v-3" fill="none" stroke="currentColor" stroke-width="1.500" stroke-linecap="round" stroke-linejoin="round"/>',
  fold: '<path d="M4.500 6.500L8 10l3.500-3.500" fill="none" stroke="currentColor" stroke-width="1.600" stroke-linecap="round" stroke-linejoin="round"/>',
} as const;

export type Sign = keyof typeof SIGNS;

const parser = new DOMParser();

function svg(inner: string, className: string): SVGElement {
  const text = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" class="${className}" aria-hidden="true">${inner}</svg>`;
  return document.importNode(
    parser.parseFromString(text, "image/svg+xml").documentElement,
    true,
  ) as unknown as SVGElement;
}

export function standingIcon(standing: Standing): SVGElement {
  return svg(SHAPES[standing], `standing ${standing}`);
}

export function signIcon(sign: Sign): SVGElement {
  return svg(SIGNS[sign], "sign");
}
