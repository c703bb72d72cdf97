/** Models that are compared with PyTorch: by numbers in `tests/parity`, by time in `tests/bench`. */
export { ACT, actFeeds, actGraph, actTrainable } from "./act.mjs";
export {
  CHUNK_POLICY,
  CHUNK_POLICY_CASES,
  SHORT_CHUNK_POLICY,
  SMALL_CHUNK_POLICY,
  chunkObjective,
  chunkPolicy,
} from "./chunk-policies.mjs";
export {
  ENERGY,
  descended,
  energyFeeds,
  energyInputs,
  energyRecurrence,
  energyTrainable,
} from "./energy.mjs";
export { GPT, gptFeeds, gptTrainable } from "./gpt.mjs";
export { gaussian } from "./kit.mjs";
export { RESNET_BLOCK, resnetBlockFeeds, resnetBlockTrainable } from "./resnet.mjs";
export { UNET, UNET_BLOCK, unet, unetBlockFeeds, unetBlockTrainable } from "./unet.mjs";
export { VIT, vitGraph } from "./vit.mjs";
