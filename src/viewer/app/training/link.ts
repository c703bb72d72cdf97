/** What a link says of the training curves, both ways. */
import type { DeepLink } from "../deep-link.ts";
import type { PanelSettings } from "./panel.ts";
import { DEFAULT_SETTINGS } from "./panel.ts";
import { AXIS_KINDS } from "./series.ts";

/** A link to these runs; what is as at first is left out. */
export function trainingLink(view: {
  shown(): readonly string[];
  settings(): PanelSettings;
}): DeepLink {
  const { axis, logarithmic, smoothing } = view.settings();
  return {
    training: view.shown(),
    ...(axis !== DEFAULT_SETTINGS.axis && { axis }),
    ...(logarithmic && { log: true }),
    ...(smoothing !== DEFAULT_SETTINGS.smoothing && { smooth: smoothing }),
  };
}

/** The settings a link asks for; what it does not say is as at first. */
export function trainingSettings({ axis, log, smooth }: DeepLink): PanelSettings {
  return {
    axis: AXIS_KINDS.find((kind) => kind === axis) ?? DEFAULT_SETTINGS.axis,
    logarithmic: log === true,
    smoothing: smooth ?? DEFAULT_SETTINGS.smoothing,
  };
}
