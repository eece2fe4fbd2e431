import { parse } from 'yaml';

/** The YAML in a statement that makes a metric view. */
export const viewIn = (statement: string): unknown =>
  parse(/with metrics\nlanguage yaml\nas \$\$\n([\s\S]*)\$\$;\n$/.exec(statement)?.[1] ?? '');
