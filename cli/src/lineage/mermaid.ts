import { type ColumnPlace, type LineageGraph, nameOf } from './graph.ts';
import type { Impact } from './impact.ts';

/**
 * The impact as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html): a box per column, within its model. Solid arrows
 * are values, and dotted ones choices of rows.
 */
export function renderMermaid(graph: LineageGraph, impact: Impact): string {
  const chart = new Chart();
  const start = chart.model(nameOf(graph, impact.of.node));
  const startOf = (column: string): string => chart.column(start, column);
  const asked = 'column' in impact.of ? [impact.of.column] : [];
  for (const column of asked) startOf(column);
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
  chart.column(chart.model(nameOf(graph, node)), column);

/** Collects boxes and arrows, each once. */
class Chart {
  readonly #models = new Map<string, { id: string; columns: Map<string, string> }>();
  readonly #arrows = new Set<string>();

  model(name: string): string {
    const known = this.#models.get(name) ?? { id: `m${this.#models.size}`, columns: new Map<string, string>() };
    this.#models.set(name, known);
    return known.id;
  }

  column(model: string, column: string): string {
    for (const { id, columns } of this.#models.values()) {
      if (id !== model) continue;
      const own = columns.get(column) ?? `${id}c${columns.size}`;
      columns.set(column, own);
      return own;
    }
    return model;
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
