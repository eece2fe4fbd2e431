import type { MetricInfo, ModelInfo } from '../data/models.ts';
import type { Publication } from '../data/publication.ts';
import { sqlOf } from '../data/publication.ts';
import { metricsOf } from '../page/component.ts';
import { escapeHtml, renderMarkdown } from '../page/markdown.ts';
import type { Block, Component, Page } from '../page/types.ts';
import type { ComponentScript, PageScript } from '../shared/types.ts';

/** What all pages of a site share. */
export interface SiteFrame {
  readonly title: string;
  readonly pages: readonly Pick<Page, 'id' | 'title'>[];
}

/** A page, or what keeps it from being shown. */
export type PageContent =
  | { readonly page: Page; readonly script: PageScript; readonly publication: Publication }
  | { readonly title: string; readonly problem: string; readonly mode: PageScript['mode'] };

/** Renders a page with everything except the data, which its script adds to the figures. */
export async function pageHtml(frame: SiteFrame, id: string, content: PageContent): Promise<string> {
  const main = 'page' in content ? await mainOf(content) : problemOf(content);
  const title = 'page' in content ? content.page.title : content.title;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} · ${escapeHtml(frame.title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="assets/client.css">
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<p class="site">${escapeHtml(frame.title)}</p>
<nav aria-label="Pages"><ul>${frame.pages.map((page) => menuItem(page, id)).join('')}</ul></nav>
</header>
<main id="content" tabindex="-1">
${main}
</main>
<p id="status" role="status" aria-live="polite"></p>
${scriptTags('page' in content ? content.script : { id, mode: content.mode, asOf: '', inputs: [], queries: [] })}
</body>
</html>
`;
}

const menuItem = (page: Pick<Page, 'id' | 'title'>, current: string): string =>
  `<li><a href="${page.id}.html"${page.id === current ? ' aria-current="page"' : ''}>${escapeHtml(page.title)}</a></li>`;

/** Data for the script can't end its own element. */
const scriptTags = (script: PageScript): string =>
  `<script type="application/json" id="page-script">${JSON.stringify(script).replaceAll('<', '\\u003c')}</script>
<script type="module" src="assets/client.js"></script>`;

const problemOf = ({ title, problem }: { title: string; problem: string }): string =>
  `<h1>${escapeHtml(title)}</h1>
<p class="problem" role="alert">${escapeHtml(problem)}</p>
<p>This page redraws itself once that has changed.</p>`;

async function mainOf({ page, script, publication }: Extract<PageContent, { page: Page }>): Promise<string> {
  const blocks = page.blocks.map((block, i) => blockHtml(block, { page, publication, level: levelAt(page, i) }));
  const body = (await Promise.all(blocks)).join('\n');
  return `<h1>${escapeHtml(page.title)}</h1>
${page.description === '' ? '' : `<p class="lead">${escapeHtml(page.description)}</p>`}
${script.inputs.length === 0 ? '' : '<form id="inputs" aria-label="Filters"></form>'}
<noscript><p class="problem">The charts need JavaScript.</p></noscript>
${body}
<footer><p>Data as of <time>${escapeHtml(momentText(publication.asOf))}</time>. Each figure says which mart it reads, what that means and who owns it.</p></footer>`;
}

interface Placed {
  readonly page: Page;
  readonly publication: Publication;
  /** The level of a figure's heading. */
  readonly level: 2 | 3;
}

/** Figures below a heading of the second level are on the third; those above all headings are on the second. */
const levelAt = ({ blocks }: Page, at: number): 2 | 3 =>
  blocks.slice(0, at).some((block) => block.block === 'markdown' && /^##?\s/m.test(block.text)) ? 3 : 2;

async function blockHtml(block: Block, placed: Placed): Promise<string> {
  if (block.block === 'markdown') return renderMarkdown(block.text);
  if (block.block === 'grid') return block.edge === 'begin' ? '<div class="grid">' : '</div>';
  return figureHtml(block.component, placed);
}

async function figureHtml(component: Component, { page, publication, level }: Placed): Promise<string> {
  const { kind, query, title, attributes } = component;
  const script: ComponentScript = { kind, query, title, attributes };
  const id = `figure-${component.line}`;
  return `<div role="group" class="figure ${kind}" aria-labelledby="${id}" data-component="${escapeHtml(JSON.stringify(script))}">
<h${level} class="title" id="${id}">${escapeHtml(title)}</h${level}>
${attributes.about === undefined ? '' : `<p class="about">${escapeHtml(attributes.about)}</p>`}
<div class="body"><p class="loading">Loading …</p></div>
${await provenanceHtml(component, page, publication)}
</div>`;
}

/** Where the numbers come from: marts, owners, the moment of the data, definitions and the SQL itself. */
async function provenanceHtml(component: Component, page: Page, publication: Publication): Promise<string> {
  const { kind, query: name, title } = component;
  const query = page.queries.find((one) => one.name === name);
  if (query === undefined) return '';
  // If it can't be read, running it says why.
  const relations = await publication.relationsOf(query).catch(() => []);
  const marts = relations.map(({ name: mart }) => `<code>${escapeHtml(mart)}</code>`).join(', ');
  const models = relations.flatMap(({ model }) => (model === undefined ? [] : [model]));
  const named = metricsOf(component);
  const metrics = publication.metrics.filter((metric) => named.includes(metric.name));
  const owners = [...new Set(models.flatMap(({ owner }) => (owner === undefined ? [] : [owner])))];
  const parts = [
    ...metrics.map((metric) => `metric <code>${escapeHtml(metric.name)}</code>`),
    ...(marts === '' ? [] : [marts]),
    ...(owners.length === 0 ? [] : [escapeHtml(owners.join('; '))]),
    `as of ${escapeHtml(momentText(publication.asOf))}`,
  ];
  const source = `<span class="source">${parts.join(' · ')}</span>`;
  // A single number is too narrow for all of it.
  const isNarrow = kind === 'value';
  return `<details class="provenance">
<summary><span class="visually-hidden">${escapeHtml(title)}: </span>Definition ${isNarrow ? '' : source}</summary>
${isNarrow ? `<p>${source}</p>` : ''}
${metrics.map(metricHtml).join('\n')}
${models.map((model) => definitionHtml(model, query.sql)).join('\n')}
<p class="term">SQL</p>
<pre tabindex="0" aria-label="SQL of ${escapeHtml(title)}"><code>${escapeHtml(sqlOf(query))}</code></pre>
</details>`;
}

/** A metric, and how to ask for it in other dimensions. */
function metricHtml({ name, label, description, owner }: MetricInfo): string {
  return `<p class="term">${label === undefined ? '' : `${escapeHtml(label)}: `}metric <code>${escapeHtml(name)}</code></p>
<p>${escapeHtml(description)}${owner === undefined ? '' : ` Owner: ${escapeHtml(owner)}.`} <code>./meetup metrics ${escapeHtml(name)}</code></p>`;
}

/** The mart's description, and those of its columns that the SQL names. */
function definitionHtml({ name, description, owner, columns }: ModelInfo, sql: string): string {
  const used = [...columns].filter(([column, text]) => text !== '' && new RegExp(`\\b${column}\\b`, 'i').test(sql));
  const list = used.map(([column, text]) => `<dt><code>${escapeHtml(column)}</code></dt><dd>${escapeHtml(text)}</dd>`);
  return `<p class="term"><code>${escapeHtml(name)}</code></p>
<p>${escapeHtml(description)}${owner === undefined ? '' : ` Owner: ${escapeHtml(owner)}.`}</p>
${list.length === 0 ? '' : `<dl>${list.join('')}</dl>`}`;
}

/** `2026-10-31 22:59 UTC` */
export function momentText(iso: string): string {
  return iso.length < 16 ? iso : `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}
