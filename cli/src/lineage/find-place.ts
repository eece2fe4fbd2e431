import { MeetupError } from '../config/errors.ts';
import { columnsOf, type LineageGraph, nameOf } from './graph.ts';

/** What `impact` was asked about: a model, seed or source, and perhaps one column of it. */
export interface Asked {
  readonly node: string;
  readonly column?: string;
}

/**
 * Finds `model`, `model.column`, `source.table` or `source.table.column`, ignoring case. Without a version, it is the latest.
 * @throws MeetupError with similar names if there is none
 */
export function findPlace(graph: LineageGraph, text: string): Asked {
  const wanted = text.toLowerCase();
  const ids = [...graph.models.keys(), ...graph.inputs.keys()];
  const named = ids.flatMap((id) => {
    const latestOf = graph.models.get(id)?.latestOf;
    const names = [nameOf(graph, id), ...(latestOf === undefined ? [] : [latestOf])];
    return names.map((name) => ({ id, name: name.toLowerCase() }));
  });
  const exact = named.filter(({ name }) => name === wanted);
  // The longest name first: `orders.v2` is a version of a model, not its column v2.
  const before = named
    .filter(({ name }) => wanted.startsWith(`${name}.`))
    .sort((a, b) => b.name.length - a.name.length);
  const found = exact[0] ?? before[0];
  if (found === undefined) {
    const [first] = wanted.split('.');
    const close = named.filter(({ name }) => first !== undefined && name.includes(first)).map(({ name }) => name);
    throw new MeetupError(
      `No model, seed or source is named '${text}'${close.length === 0 ? '' : `; there is ${close.slice(0, 5).join(', ')}`}. Write it as model, model.column or source.table.column.`,
    );
  }
  if (exact.length > 1) {
    throw new MeetupError(`'${text}' is the name of ${exact.length} nodes (${exact.map(({ id }) => id).join(', ')}).`);
  }
  if (found === exact[0]) return { node: found.id };
  const column = wanted.slice(found.name.length + 1);
  const columns = columnsOf(graph, found.id);
  if (!columns.includes(column)) {
    throw new MeetupError(
      `${found.name} has no column '${column}'; it has ${columns.join(', ') || 'none that is known'}.`,
    );
  }
  return { node: found.id, column };
}
