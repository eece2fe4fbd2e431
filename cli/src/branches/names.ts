import { MeetupError } from '../config/errors.ts';

/** What comes between a schema's own name and the branch's. */
const MARK = '__branch_';
const LONGEST_NAME = 40;
/** Hive's metastore refuses longer names of schemas; Unity Catalog allows 255 characters. */
const LONGEST_SCHEMA = 128;

/**
 * The name of a branch, as given by a person or in CI. It becomes a part of the names of schemas.
 * @throws MeetupError that says what a name may be.
 */
export function branchName(text: string): string {
  if (/^[a-z][a-z0-9_]*$/.test(text) && !text.includes('__') && text.length <= LONGEST_NAME) return text;
  throw new MeetupError(
    `'${text}' can't be the name of a branch: use up to ${LONGEST_NAME} lower-case letters, digits and single underscores, beginning with a letter.`,
  );
}

/** What the schemas of a branch end with. */
export const suffixOf = (branch: string): string => `${MARK}${branch}`;

/**
 * The branch's own version of a schema.
 * @throws MeetupError if its name would be too long.
 */
export function branchSchema(branch: string, schema: string): string {
  const name = `${schema}${suffixOf(branch)}`;
  if (name.length <= LONGEST_SCHEMA) return name;
  throw new MeetupError(
    `The schema ${name} would have more than ${LONGEST_SCHEMA} characters: give the branch a shorter name.`,
  );
}
