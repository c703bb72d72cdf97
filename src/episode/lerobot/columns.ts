/** Parquet columns as LeRobot's files have them. The only place that knows the parquet package's writer. */
import type { KeyValue, SchemaElement } from "hyparquet";
import { fileWriter, ParquetWriter } from "hyparquet-writer";

/** A kind of column: the part of the schema below its name. */
export type ColumnKind = "int64" | "float32" | "float64" | "text" | "image" | `list of ${Leaf}`;
type Leaf = "float32" | "float64" | "int64" | "text";

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  /** One cell per row: bigints for int64, lists for lists, `{ bytes, path }` for images. */
  readonly cells: readonly unknown[];
}

type LeafType = Pick<SchemaElement, "type" | "converted_type">;

const LEAVES: Readonly<Record<Leaf, LeafType>> = {
  float32: { type: "FLOAT" },
  float64: { type: "DOUBLE" },
  int64: { type: "INT64" },
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
};

/** A parquet file that grows by row groups. */
export class ColumnFile {
  readonly #writer: ParquetWriter;
  readonly #columns: readonly Omit<Column, "cells">[];

  /** Replaces a file of the same name. */
  constructor(
    path: string,
    {
      columns,
      metadata,
    }: { readonly columns: readonly Omit<Column, "cells">[]; readonly metadata?: KeyValue[] },
  ) {
    this.#columns = columns;
    this.#writer = new ParquetWriter({
      writer: fileWriter(path),
      schema: [
        { name: "schema", num_children: columns.length },
        ...columns.flatMap(({ name, kind }) => schemaOf(name, kind)),
      ],
      codec: "SNAPPY",
      createdBy: "efference",
      ...(metadata === undefined ? {} : { kvMetadata: metadata }),
    });
  }

  get bytes(): number {
    return this.#writer.writer.offset;
  }

  /** Adds one row group. @param cells by column, in the order of the columns, all equally long */
  async add(cells: readonly (readonly unknown[])[]): Promise<void> {
    await this.#writer.write({
      columnData: this.#columns.map(({ name }, i) => ({ name, data: [...cells[i]!] })),
      rowGroupSize: Math.max(1, cells[0]?.length ?? 0),
    });
  }

  async end(): Promise<void> {
    await this.#writer.finish();
  }
}

/** Writes a whole file of one row group. */
export async function writeColumns(
  path: string,
  columns: readonly Column[],
  metadata?: KeyValue[],
): Promise<void> {
  const file = new ColumnFile(path, { columns, ...(metadata === undefined ? {} : { metadata }) });
  await file.add(columns.map(({ cells }) => cells));
  await file.end();
}

function schemaOf(name: string, kind: ColumnKind): SchemaElement[] {
  if (kind === "image") {
    return [
      { name, repetition_type: "OPTIONAL", num_children: 2 },
      { name: "bytes", repetition_type: "OPTIONAL", type: "BYTE_ARRAY" },
      { name: "path", repetition_type: "OPTIONAL", ...LEAVES.text },
    ];
  }
  const leaf = LEAVES[(kind.startsWith("list of ") ? kind.slice(8) : kind) as Leaf];
  if (!kind.startsWith("list of ")) return [{ name, repetition_type: "OPTIONAL", ...leaf }];
  return [
    { name, repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST" },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", repetition_type: "OPTIONAL", ...leaf },
  ];
}
