/** Episode files from the own disk: dropped anywhere on the page, or chosen. Nothing is uploaded. */

export interface DropTarget {
  /** Opens the system's file dialogue. */
  choose(): void;
}

export function createDropTarget(
  shade: HTMLElement,
  options: { readonly onFile: (file: File) => void; readonly onRefused: (message: string) => void },
): DropTarget {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = ".mcap";
  input.hidden = true;
  input.className = "file-input";
  document.body.append(input);
  const take = (file: File | undefined): void => {
    if (file === undefined) return;
    if (file.name.toLowerCase().endsWith(".mcap")) options.onFile(file);
    else options.onRefused(`Cannot open ${file.name}: not an episode, must be an .mcap file`);
  };
  input.addEventListener("change", () => {
    take(input.files?.[0]);
    // The same file may be chosen again.
    input.value = "";
  });

  // Children fire enter and leave too; only the balance says whether the pointer is on the page.
  let depth = 0;
  const setDepth = (next: number): void => {
    depth = Math.max(0, next);
    shade.hidden = depth === 0;
  };
  const hasFiles = (event: DragEvent): boolean =>
    event.dataTransfer?.types.includes("Files") ?? false;
  addEventListener("dragenter", (event) => {
    if (hasFiles(event)) setDepth(depth + 1);
  });
  addEventListener("dragleave", (event) => {
    if (hasFiles(event)) setDepth(depth - 1);
  });
  addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    setDepth(0);
    take(event.dataTransfer?.files[0]);
  });
  return { choose: () => input.click() };
}
