/** A break of a public model, as far as it is put into words. */
interface Break {
  readonly model: string;
  readonly column?: string;
  readonly what: string;
  readonly detail?: string;
  readonly models: readonly string[];
  readonly readers: readonly { readonly kind: string; readonly name: string; readonly owner?: string }[];
}

/** What broke, without a full stop. */
export const breakTitle = ({ model, column, what, detail }: Break): string =>
  [column === undefined ? model : `${model}.${column}`, 'was', what, ...(detail === undefined ? [] : [detail])].join(
    ' ',
  );

/** Metrics and semantic models are often named like a model or a column. */
const NAMED_BY_KIND = new Map([
  ['metric', 'metric '],
  ['semantic_model', 'semantic model '],
]);

const readerWords = ({ kind, name, owner }: Break['readers'][number]): string =>
  `${NAMED_BY_KIND.get(kind) ?? ''}${name}${owner === undefined ? '' : ` (${owner})`}`;

/** What broke and who reads it: two sentences. */
export function breakSentence(one: Break): string {
  const { models, readers } = one;
  const read = [...models, ...readers.map(readerWords)];
  return `${breakTitle(one)}. ${read.length === 0 ? 'Nothing in the project reads it.' : `Read by ${read.join(', ')}.`}`;
}
