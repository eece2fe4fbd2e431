/** A dimension of a metric view, or the common part of a measure. */
export interface Field {
  readonly name: string;
  readonly expr: string;
  readonly comment?: string;
  readonly display_name?: string;
}

/** The name, the description and the label of an element. */
export function descriptionOf(one: {
  readonly name: string;
  readonly label?: string | null | undefined;
  readonly description?: string | null | undefined;
}): Pick<Field, 'name' | 'comment' | 'display_name'> {
  return {
    name: one.name,
    ...(one.description ? { comment: oneLine(one.description) } : {}),
    ...(one.label ? { display_name: oneLine(one.label) } : {}),
  };
}

/** `$$` would end the definition. */
export const isWritable = ({ expr }: Field): boolean => !expr.includes('$$');

export const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().replaceAll('$$', '$ $');

/** A name of one or several parts, with backticks where one needs them. */
export const quoted = (...parts: readonly string[]): string =>
  parts.map((part) => (/^[a-z_]\w*$/i.test(part) ? part : `\`${part.replaceAll('`', '``')}\``)).join('.');
