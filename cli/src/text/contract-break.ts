/** A break of a public model, as far as it is put into words. */
interface Break {
  readonly model: string;
  readonly column?: string;
  readonly what: string;
  readonly detail?: string;
  readonly models: readonly string[];
  readonly readers: readonly { readonly name: string; readonly owner?: string }[];
}

/** What broke, without a full stop. */
export const breakTitle = ({ model, column, what, detail }: Break): string =>
  [column === undefined ? model : `${model}.${column}`, 'was', what, ...(detail === undefined ? [] : [detail])].join(
    ' ',
  );

/** What broke and who reads it: two sentences. */
export function breakSentence(one: Break): string {
  const { models, readers } = one;
  const read = [...models, ...readers.map(({ name, owner }) => (owner === undefined ? name : `${name} (${owner})`))];
  return `${breakTitle(one)}. ${read.length === 0 ? 'Nothing in the project reads it.' : `Read by ${read.join(', ')}.`}`;
}
