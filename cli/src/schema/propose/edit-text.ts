import { applyEdits, findNodeAtLocation, type JSONPath, modify, type Node, parseTree } from 'jsonc-parser';
import { describe } from '../infer/describe.ts';
import { Summary } from '../infer/summary.ts';
import { jsonText } from '../schema-text.ts';
import { type Edit, valueAt } from './edits.ts';

/** A schema's text with one change, and otherwise unchanged formatting. Undefined if the change doesn't fit. */
export function edited(text: string, { path, change }: Edit): string | undefined {
  const schema: unknown = valueAt(JSON.parse(text), path);
  if (typeof schema !== 'object' || schema === null) return undefined;
  const keyword = (name: string): unknown => valueAt(schema, [name]);
  const at = (name: string): JSONPath => [...path, name].map(step);
  switch (change.kind) {
    case 'value':
      return appended(text, at('enum'), '', change.value);
    case 'type':
      return replaced(text, at('type'), widerType(keyword('type'), change.type));
    case 'limit':
      return replaced(text, at(change.keyword), change.limit);
    case 'remove':
      return removed(text, at(change.keyword));
    case 'optional': {
      const required: unknown = keyword('required');
      if (!Array.isArray(required) || !required.includes(change.property)) return undefined;
      const left = required.filter((name) => name !== change.property);
      return left.length === 0 ? removed(text, at('required')) : replaced(text, at('required'), left);
    }
    case 'property': {
      const summary = new Summary();
      for (const value of change.values) summary.add(value);
      const property = describe(summary, change.property, change.property, () => undefined);
      return appended(text, at('properties'), `${JSON.stringify(change.property)}: `, property);
    }
  }
}

/** Converts positions in lists to numbers. */
const step = (name: string): string | number => (/^\d+$/.test(name) ? Number(name) : name);

const removed = (text: string, path: JSONPath): string => applyEdits(text, modify(text, path, undefined, {}));

function nodeAt(text: string, path: JSONPath): Node | undefined {
  const tree = parseTree(text);
  return tree === undefined ? undefined : findNodeAtLocation(tree, path);
}

function replaced(text: string, path: JSONPath, value: unknown): string | undefined {
  const node = nodeAt(text, path);
  if (node === undefined) return undefined;
  return `${text.slice(0, node.offset)}${jsonText(value, '')}${text.slice(node.offset + node.length)}`;
}

/** Adds to the end of a list or an object, on a separate line if the last member is on one. */
function appended(text: string, path: JSONPath, label: string, value: unknown): string | undefined {
  const last = nodeAt(text, path)?.children?.at(-1);
  if (last === undefined) return undefined;
  const end = last.offset + last.length;
  const indent = /\n([ \t]*)$/.exec(text.slice(0, last.offset))?.[1];
  const added = indent === undefined ? `, ${label}${oneLine(value)}` : `,\n${indent}${label}${jsonText(value, indent)}`;
  return `${text.slice(0, end)}${added}${text.slice(end)}`;
}

const oneLine = (value: unknown): string => jsonText(value, '').replaceAll(/\n\s*/g, ' ');

/** Replaces `integer` by `number`, or adds any other type. */
function widerType(given: unknown, type: string): unknown {
  const types: unknown[] = Array.isArray(given) ? given : [given];
  const wider =
    type === 'number' && types.includes('integer')
      ? types.map((one) => (one === 'integer' ? 'number' : one))
      : [...types, type];
  return wider.length === 1 ? wider[0] : [...new Set(wider)];
}
