/** Escapes text for HTML, also inside quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Renders the part of Markdown that pages use: headings, paragraphs, lists, emphasis, code and links. HTML is shown as text. */
export function renderMarkdown(text: string): string {
  return text
    .split(/\n\s*\n/)
    .map((part) => renderPart(part.trim()))
    .join('\n');
}

function renderPart(part: string): string {
  const heading = /^(#{1,4})\s+(.+)$/.exec(part);
  // The title of the page is its only heading of the first level.
  if (heading !== null) {
    const level = Math.max(2, heading[1]?.length ?? 2);
    return `<h${level}>${inline(heading[2] ?? '')}</h${level}>`;
  }
  const lines = part.split('\n');
  if (lines[0]?.startsWith('#')) return `${renderPart(lines[0])}\n${renderPart(lines.slice(1).join('\n').trim())}`;
  if (lines.every((line) => /^\s*[-*]\s|^\s{2,}\S/.test(line))) {
    const items = part.split(/^\s*[-*]\s+/m).filter((item) => item !== '');
    return `<ul>${items.map((item) => `<li>${inline(item.trim())}</li>`).join('')}</ul>`;
  }
  return part === '' ? '' : `<p>${inline(part)}</p>`;
}

/** Emphasis, code and links. Links lead only to pages and the web, never to scripts. */
function inline(text: string): string {
  return escapeHtml(text)
    .split(/(`[^`]+`)/)
    .map((part) => (/^`.+`$/.test(part) ? `<code>${part.slice(1, -1)}</code>` : styled(part)))
    .join('');
}

function styled(text: string): string {
  return text
    .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replaceAll(/\*([^*]+)\*/g, '<em>$1</em>')
    .replaceAll(/\[([^\]]+)\]\(((?:https?:\/\/|[\w-]+\.html|#)[^\s)]*)\)/g, '<a href="$2">$1</a>');
}
