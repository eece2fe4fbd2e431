import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { MeetupError } from '../../config/errors.ts';
import { fileProblem } from '../../config/file-errors.ts';
import { componentSchemas, isComponentKind } from './component.ts';
import { parseConditions } from './conditions.ts';
import { type FrontMatter, parseFrontMatter } from './front-matter.ts';
import type { Block, Component, InputSpec, Page, QuerySpec } from './types.ts';

const NAME = /^\w+$/;

/**
 * Parses a page: front matter, Markdown, SQL in fences, and components.
 * @param file the page's path, for messages and to find the SQL files that it names.
 * @throws MeetupError with file and line if something in it is wrong.
 */
export function parsePage(text: string, file: string): Page {
  return new PageParser(text, file).page();
}

class PageParser {
  readonly #file: string;
  readonly #lines: readonly string[];
  readonly #queries: QuerySpec[] = [];
  readonly #blocks: Block[] = [];
  #at = 0;

  constructor(text: string, file: string) {
    this.#file = file;
    this.#lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  }

  page(): Page {
    const front = this.#frontMatter();
    while (this.#at < this.#lines.length) this.#block();
    const { title, description, order } = front;
    const id = basename(this.#file).replace(/\.md$/, '');
    const inputs = Object.entries(front.inputs).map(([name, spec]) => this.#input(name, spec));
    const page = { id, file: this.#file, title, description, order, inputs };
    this.#check(inputs);
    return { ...page, queries: this.#queries, blocks: this.#blocks };
  }

  #frontMatter(): FrontMatter {
    const end = this.#lines.indexOf('---', 1);
    if (this.#lines[0] !== '---' || end === -1) {
      throw this.#wrong(0, 'a page begins with front matter between two lines of ---, with a title at least');
    }
    const front = parseFrontMatter(this.#lines.slice(1, end).join('\n'));
    if ('wrong' in front) throw this.#wrong(0, front.wrong);
    this.#at = end + 1;
    return front;
  }

  #input(name: string, spec: FrontMatter['inputs'][string]): InputSpec {
    const needsOptions = spec.type === 'select' || spec.type === 'multi';
    if (needsOptions && spec.options === undefined) {
      throw this.#wrong(0, `inputs.${name}: a ${spec.type} needs options: a list, or the name of a query`);
    }
    return { ...spec, name, label: spec.label ?? name.replaceAll('_', ' ') };
  }

  #block(): void {
    const line = this.#lines[this.#at] ?? '';
    const fence = /^```sql\s+(.*)$/.exec(line);
    const tag = /^\s*<(\/?)([a-z][\w-]*)/.exec(line);
    if (fence !== null) this.#fence(fence[1] ?? '');
    else if (line.startsWith('```sql')) throw this.#wrong(this.#at, 'a query needs a name: ```sql name');
    else if (tag !== null) this.#component(tag[2] ?? '', tag[1] === '/');
    else this.#markdown();
  }

  #fence(info: string): void {
    const start = this.#at;
    const [name = '', ...rest] = info.trim().split(/\s+/);
    const end = this.#lines.findIndex((line, at) => at > start && line.trimEnd() === '```');
    if (end === -1) throw this.#wrong(start, `the query '${name}' has no closing \`\`\``);
    const attributes = this.#attributes(rest.join(' '), start, ['where']);
    const sql = this.#lines.slice(start + 1, end).join('\n');
    this.#query({ name, sql, file: this.#file, line: start + 2 }, attributes.where, start);
    this.#at = end + 1;
  }

  #query(query: Omit<QuerySpec, 'where'>, where: string | undefined, at: number): void {
    const { name } = query;
    if (!NAME.test(name)) throw this.#wrong(at, `'${name}' is not a name for a query: use letters, digits and _`);
    if (this.#queries.some((other) => other.name === name))
      throw this.#wrong(at, `there are two queries named '${name}'`);
    const conditions = where === undefined ? [] : parseConditions(where);
    if ('wrong' in conditions) {
      throw this.#wrong(
        at,
        `'${conditions.wrong}' is not a condition: write column = $input, or <=, >=, in or has, joined by and`,
      );
    }
    this.#queries.push({ ...query, sql: query.sql.trim().replace(/;\s*$/, ''), where: conditions });
  }

  #component(tag: string, closes: boolean): void {
    const start = this.#at;
    if (tag === 'grid') {
      this.#blocks.push({ block: 'grid', edge: closes ? 'end' : 'begin' });
      this.#at += 1;
      return;
    }
    const end = this.#lines.findIndex((line, at) => at >= start && /\/>\s*$/.test(line));
    if (tag !== 'query' && !isComponentKind(tag)) {
      throw this.#wrong(start, `there is no component <${tag}>: use chart, table, value, map, query or grid`);
    }
    if (end === -1) throw this.#wrong(start, `<${tag} is not closed by />`);
    const inner = this.#lines
      .slice(start, end + 1)
      .join('\n')
      .replace(/^\s*<[\w-]+/, '')
      .replace(/\/>\s*$/, '');
    this.#at = end + 1;
    if (tag === 'query') this.#queryOfFile(this.#attributes(inner, start, ['name', 'file', 'where']), start);
    else this.#blocks.push({ block: 'component', component: this.#parsedComponent(tag, inner, start) });
  }

  #parsedComponent(kind: Component['kind'], inner: string, at: number): Component {
    const parsed = componentSchemas[kind].safeParse(this.#attributes(inner, at));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const what =
        issue?.code === 'unrecognized_keys'
          ? `has no attribute ${issue.keys[0]}`
          : `needs a ${issue?.path.join('.')}: ${issue?.message.replace(/^I/, 'i')}`;
      throw this.#wrong(at, `<${kind}> ${what}`);
    }
    const { query, title, ...rest } = parsed.data;
    const attributes = Object.entries(rest).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    );
    return { kind, query, title, attributes: Object.fromEntries(attributes), line: at + 1 };
  }

  /** A query that is saved in a file of its own, where `meetup query --file` runs it too. */
  #queryOfFile({ name = '', file, where }: Record<string, string>, at: number): void {
    if (file === undefined) throw this.#wrong(at, `<query name="${name}"> needs a file`);
    const path = resolve(dirname(this.#file), file);
    let sql: string;
    try {
      sql = readFileSync(path, 'utf8');
    } catch (error) {
      throw fileProblem(error, path, { advice: `correct the file of <query> in ${this.#file}:${at + 1}` });
    }
    this.#query({ name, sql, file: path, line: 1 }, where, at);
  }

  #attributes(text: string, at: number, known?: readonly string[]): Record<string, string> {
    const attributes: Record<string, string> = {};
    const rest = text.replaceAll(/([a-z][a-z-]*)="([^"]*)"/g, (_, name: string, value: string) => {
      if (known !== undefined && !known.includes(name)) throw this.#wrong(at, `there is no attribute ${name} here`);
      attributes[name] = value;
      return '';
    });
    if (rest.trim() !== '')
      throw this.#wrong(at, `'${rest.trim().slice(0, 40)}' is not an attribute: write name="value"`);
    return attributes;
  }

  #markdown(): void {
    const start = this.#at;
    while (this.#at < this.#lines.length && !/^\s*<\/?[a-z]|^```sql/.test(this.#lines[this.#at] ?? '')) this.#at += 1;
    const text = this.#lines.slice(start, this.#at).join('\n').trim();
    if (text !== '') this.#blocks.push({ block: 'markdown', text });
  }

  /** Names that must exist: queries of components and inputs, and inputs of conditions. */
  #check(inputs: readonly InputSpec[]): void {
    const queries = new Set(this.#queries.map(({ name }) => name));
    for (const block of this.#blocks) {
      if (block.block !== 'component' || queries.has(block.component.query)) continue;
      throw this.#wrong(block.component.line - 1, `there is no query '${block.component.query}' on this page`);
    }
    for (const { name, options } of inputs) {
      if (typeof options !== 'string' || queries.has(options)) continue;
      throw this.#wrong(0, `inputs.${name}: there is no query '${options}' on this page`);
    }
    for (const { name, line, where } of this.#queries) this.#checkConditions(name, line, where, inputs);
  }

  #checkConditions(query: string, line: number, where: QuerySpec['where'], inputs: readonly InputSpec[]): void {
    for (const { input, operator } of where) {
      const spec = inputs.find(({ name }) => name === input);
      if (spec === undefined)
        throw this.#wrong(line - 2, `the query '${query}' uses $${input}, but there is no such input`);
      if (operator !== '=' || spec.type === 'select') continue;
      throw this.#wrong(line - 2, `$${input} is a ${spec.type}, and = takes a select: use in, <= or >=`);
    }
  }

  #wrong(at: number, what: string): MeetupError {
    return new MeetupError(`${this.#file}:${Math.max(at, 0) + 1}: ${what.replace(/[.]$/, '')}.`);
  }
}
