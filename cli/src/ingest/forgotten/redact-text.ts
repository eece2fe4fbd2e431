import { findNodeAtLocation, type Node, parseTree } from 'jsonc-parser';
import type { Removal } from './redact-record.ts';

/** Carries the removals out on a record's text, and keeps every other character. */
export function withoutRemovedText(text: string, removals: readonly Removal[]): string {
  const root = parseTree(text);
  if (root === undefined) throw new TypeError('The record is not JSON.');
  const cuts = removals
    .filter(({ how }) => how === 'null')
    .map(({ path }) => ({ ...spanOf(nodeAt(root, path)), by: 'null' }));
  for (const [holder, gone] of byHolder(root, removals)) {
    cuts.push(...cutsIn(text, holder, gone).map((cut) => ({ ...cut, by: '' })));
  }
  // From the end, so that earlier positions stay what they are.
  return cuts
    .sort((a, b) => b.from - a.from)
    .reduce((left, { from, to, by }) => `${left.slice(0, from)}${by}${left.slice(to)}`, text);
}

interface Span {
  readonly from: number;
  readonly to: number;
}

const spanOf = ({ offset, length }: Node): Span => ({ from: offset, to: offset + length });

function nodeAt(root: Node, path: Removal['path']): Node {
  const found = findNodeAtLocation(root, [...path]);
  if (found === undefined) throw new TypeError('A removal is about a place that the record does not have.');
  return found;
}

/** What is removed, by the object or list that holds it. */
function byHolder(root: Node, removals: readonly Removal[]): Map<Node, Set<Node>> {
  const found = new Map<Node, Set<Node>>();
  for (const { path } of removals.filter(({ how }) => how === 'remove')) {
    const value = nodeAt(root, path);
    // A value of an object is part of a property, which goes as a whole.
    const part = value.parent?.type === 'property' ? value.parent : value;
    const holder = part.parent;
    if (holder === undefined) throw new TypeError('A whole record is not removed from its text.');
    found.set(holder, (found.get(holder) ?? new Set()).add(part));
  }
  return found;
}

/** Cuts parts with the comma in front of them or, if no part before them is left, the one behind. */
function cutsIn(text: string, holder: Node, gone: ReadonlySet<Node>): Span[] {
  const parts = holder.children ?? [];
  const kept = parts.filter((part) => !gone.has(part));
  const [first] = parts;
  if (first === undefined) return [];
  if (kept.length === 0) return [{ from: first.offset, to: spanOf(parts.at(-1) ?? first).to }];
  const cuts: Span[] = [];
  parts.forEach((part, at) => {
    if (!gone.has(part)) return;
    const isLeading = parts.slice(0, at).every((other) => gone.has(other));
    const before = parts[at - 1];
    const after = parts[at + 1];
    if (isLeading && after !== undefined) cuts.push({ from: part.offset, to: after.offset });
    else if (before !== undefined) cuts.push({ from: spanOf(before).to, to: spanOf(part).to });
  });
  return cuts.filter(({ from, to }) => text.slice(from, to) !== '');
}
