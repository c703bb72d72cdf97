/**
 * The bridge between the runtime and the simulators and robots it works with: ZeroMQ sockets, one
 * protocol (`protocol.md`), and an `Environment` at either end. Peers dial in; the runtime listens.
 *
 * Knows no policy, no robot and no simulator but the counter that tests it. A peer in another language
 * needs `protocol.md` and `wire/efference.proto`, nothing of this folder.
 */
export { connectSim } from "./connect-sim.ts";
export type { ConnectSimOptions } from "./connect-sim.ts";
export { makeCurveKeys } from "./curve.ts";
export type { CurveClient, CurveKeyPair, CurveServer } from "./curve.ts";
export { createHub } from "./hub.ts";
export type { Hub } from "./hub.ts";
export type { HubEvent, HubOptions } from "./hub-options.ts";
export { connectPolicy } from "./policy-client.ts";
export type { ConnectPolicyOptions, PolicyConnection } from "./policy-client.ts";
export type { ServeEnd } from "./redial.ts";
export { RemoteEnvironment } from "./remote-environment.ts";
export { serveEnvironment } from "./serve.ts";
export type { ServeOptions } from "./serve.ts";
export type { DurationStats, RoundTripStats } from "./statistics.ts";
export type { WireLimits } from "./wire/limits.ts";
