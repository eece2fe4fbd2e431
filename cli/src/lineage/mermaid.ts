import { type ColumnPlace, type LineageGraph, nameOf } from './graph.ts';
import type { Impact } from './impact.ts';

/**
 * The impact as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html): a box per column, within its model. Solid arrows
 * are values, and dotted ones choices of rows.
 */
export function renderMermaid(graph: LineageGraph, impact: Impact): string {
  const chart = new Chart();
  chart.model(nameOf(graph, impact.of.node));
  const asked = 'column' in impact.of ? [impact.of.column] : [];
  for (const column of asked) place(chart, graph, { node: impact.of.node, column });
  const places = new Set<string>(
    [...impact.fedBy, ...startPlaces(impact)].map(({ node, column }) => `${node}\0${column}`),
  );
  for (const model of graph.inOrder) {
    for (const { name, reads } of model.columns) {
      if (!places.has(`${model.uniqueId}\0${name}`)) continue;
      for (const read of reads.filter((one) => places.has(`${one.node}\0${one.column}`))) {
        chart.arrow(place(chart, graph, read), place(chart, graph, { node: model.uniqueId, column: name }), '-->');
      }
    }
  }
  const reached = new Map(impact.models.map((model) => [model.node, new Set(model.columns)]));
  const isReached = ({ node, column }: ColumnPlace): boolean =>
    reached.get(node)?.has(column) === true ||
    (node === impact.of.node && (asked.length === 0 || asked.includes(column)));
  for (const { node, rows, columns } of impact.models) {
    const model = graph.models.get(node);
    for (const column of rows ? [] : columns) {
      for (const read of model?.columns.find(({ name }) => name === column)?.reads.filter(isReached) ?? []) {
        chart.arrow(place(chart, graph, read), place(chart, graph, { node, column }), '-->');
      }
    }
    if (!rows) continue;
    const target = chart.model(nameOf(graph, node));
    const above = model?.dependsOn.filter((one) => one === impact.of.node || reached.has(one)) ?? [];
    for (const one of above) chart.arrow(chart.model(nameOf(graph, one)), target, '-.->');
  }
  return chart.text();
}

const startPlaces = ({ of }: Impact): ColumnPlace[] => ('column' in of ? [{ node: of.node, column: of.column }] : []);

const place = (chart: Chart, graph: LineageGraph, { node, column }: ColumnPlace): string =>
  chart.column(nameOf(graph, node), column);

/** Collects boxes and arrows, each once. */
class Chart {
  readonly #models = new Map<string, { id: string; columns: Map<string, string> }>();
  readonly #arrows = new Set<string>();

  /** The id of a model's box. */
  model(name: string): string {
    return this.#box(name).id;
  }

  /** The id of a column's box, within its model's. */
  column(model: string, column: string): string {
    const { id, columns } = this.#box(model);
    const own = columns.get(column) ?? `${id}c${columns.size}`;
    columns.set(column, own);
    return own;
  }

  #box(name: string): { id: string; columns: Map<string, string> } {
    const box = this.#models.get(name) ?? { id: `m${this.#models.size}`, columns: new Map<string, string>() };
    this.#models.set(name, box);
    return box;
  }

  arrow(from: string, to: string, line: '-->' | '-.->'): void {
    if (from !== to) this.#arrows.add(`  ${from} ${line} ${to}`);
  }

  text(): string {
    const boxes = [...this.#models].flatMap(([name, { id, columns }]) => [
      `  subgraph ${id}["${label(name)}"]`,
      ...[...columns].map(([column, own]) => `    ${own}["${label(column)}"]`),
      '  end',
    ]);
    return ['flowchart LR', ...boxes, ...this.#arrows].join('\n');
  }
}

const label = (text: string): string => text.replaceAll('"', '#quot;');
