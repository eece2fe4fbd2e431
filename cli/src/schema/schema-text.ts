/** The maximum width of a list of plain values on one line. */
const WIDTH = 100;

/** A schema as the text of its file: indented, with short lists of plain values on one line. */
export const schemaText = (schema: unknown): string => `${jsonText(schema, '')}\n`;

/** The text of a value inside a file, at an indentation. */
export function jsonText(value: unknown, indent: string): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const isPlain = value.every((item) => typeof item !== 'object' || item === null);
    const line = `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
    if (isPlain && indent.length + line.length <= WIDTH) return line;
    return `[\n${value.map((item) => `${inner}${jsonText(item, inner)}`).join(',\n')}\n${indent}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value);
  if (members.length === 0) return '{}';
  return `{\n${members.map(([name, item]) => `${inner}${JSON.stringify(name)}: ${jsonText(item, inner)}`).join(',\n')}\n${indent}}`;
}
