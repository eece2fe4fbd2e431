import { parse } from 'yaml';
import { z } from 'zod';

const scalar = z.union([z.string(), z.number()]);

const inputSchema = z.strictObject({
  label: z.string().min(1).optional(),
  type: z.enum(['select', 'multi', 'number', 'text']).default('select'),
  options: z.union([z.string(), z.array(scalar)]).optional(),
  default: z.union([scalar, z.array(scalar)]).optional(),
  help: z.string().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  step: z.number().positive().optional(),
});

const frontMatterSchema = z.strictObject({
  title: z.string().min(1),
  description: z.string().default(''),
  order: z.number().default(100),
  inputs: z
    .record(z.string().regex(/^[a-z]\w*$/, 'is not a name of small letters, digits and _'), inputSchema)
    .default({}),
});

export type FrontMatter = z.infer<typeof frontMatterSchema>;

/** Parses the YAML at the top of a page. @returns one clause about what is wrong, if something is. */
export function parseFrontMatter(text: string): FrontMatter | { readonly wrong: string } {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    const [first = ''] = String(error instanceof Error ? error.message : error).split('\n');
    return { wrong: `not valid YAML: ${first.replace(/[.:]$/, '')}` };
  }
  const parsed = frontMatterSchema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = issue?.path.join('.') ?? '';
  if (issue?.code === 'unrecognized_keys')
    return { wrong: `there is no key '${[...issue.path, issue.keys[0]].join('.')}'` };
  return { wrong: `${at === '' ? 'the front matter' : at}: ${(issue?.message ?? 'is wrong').replace(/^I/, 'i')}` };
}
