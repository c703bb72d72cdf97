import { spawn } from "node:child_process";

/** Opens the default browser where there is a desktop; says nothing where there is none. */
export function openBrowser(url: string): void {
  const command = browserCommand();
  if (command === undefined) return;
  const [program, ...args] = command;
  const child = spawn(program, [...args, url], { stdio: "ignore", detached: true });
  // A machine without the opener is not an error: the URL is printed anyway.
  child.on("error", () => undefined);
  child.unref();
}

function browserCommand(): [string, ...string[]] | undefined {
  switch (process.platform) {
    case "darwin":
      return ["open"];
    case "win32":
      return ["cmd", "/c", "start", ""];
    default: {
      const { DISPLAY, WAYLAND_DISPLAY } = process.env;
      return DISPLAY === undefined && WAYLAND_DISPLAY === undefined ? undefined : ["xdg-open"];
    }
  }
}
