import { z } from 'zod';
import type { Effects } from '../config/effects.ts';
import { MeetupError } from '../config/errors.ts';
import { type ConfigProfile, readConfigProfile } from './databrickscfg.ts';

/** A bare host name: dbt and the driver want it without https:// and without a path. */
const host = z
  .string()
  .transform((text) => text.replace(/^https:\/\//i, '').replace(/\/+$/, ''))
  .pipe(z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i, 'is not a host name'));

const httpPath = z.string().regex(/^\/?sql\/[\w./-]+$/, 'does not look like /sql/1.0/warehouses/abc123');
/** A name that Unity Catalog accepts without quotes. */
const catalog = z.string().regex(/^[A-Za-z0-9_-]+$/, 'may contain only letters, digits, _ and -');
const secret = z.string().regex(/^\S+$/, 'must not contain spaces or line breaks');

/** The warehouse and the credentials, in the variables of Databricks' own tools. */
const credentialsSchema = z.object({
  DATABRICKS_HOST: host,
  DATABRICKS_HTTP_PATH: httpPath.transform((path) => (path.startsWith('/') ? path : `/${path}`)),
  DATABRICKS_CATALOG: catalog.default('main'),
  DATABRICKS_TOKEN: secret.optional(),
  DATABRICKS_CLIENT_ID: secret.optional(),
  DATABRICKS_CLIENT_SECRET: secret.optional(),
});
export type Credentials = z.infer<typeof credentialsSchema>;

const NAMES = [
  ['DATABRICKS_HOST', 'host'],
  ['DATABRICKS_HTTP_PATH', 'http_path'],
  ['DATABRICKS_CATALOG', 'catalog'],
  ['DATABRICKS_TOKEN', 'token'],
  ['DATABRICKS_CLIENT_ID', 'client_id'],
  ['DATABRICKS_CLIENT_SECRET', 'client_secret'],
] as const;

/**
 * The credentials of target `prod`: from the environment and, for variables that are not set, from the profile of `~/.databrickscfg`.
 * @throws MeetupError that names every variable that is missing or wrong, and never shows a value.
 */
export async function readCredentials(env: Effects['env']): Promise<Credentials> {
  const given = await givenFor(env);
  const parsed = credentialsSchema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path: [name], message }) =>
      given[String(name)] === undefined ? `${String(name)} is not set` : `${String(name)} ${message}`,
    );
    throw new MeetupError(
      `Target prod can't be reached: ${problems.join(', ')}. Set it in the environment or in a profile of ~/.databrickscfg; docs/databricks.md shows where to find the values.`,
    );
  }
  const { DATABRICKS_TOKEN: token, DATABRICKS_CLIENT_ID: id, DATABRICKS_CLIENT_SECRET: clientSecret } = parsed.data;
  if (token === undefined && (id === undefined || clientSecret === undefined)) {
    throw new MeetupError(
      `There are no credentials for target prod: set DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET.`,
    );
  }
  return parsed.data;
}

/** The variables of target `prod` from the environment and the profile, without validation. */
export async function givenFor(env: Effects['env']): Promise<Record<string, string | undefined>> {
  return withProfile(env, await readConfigProfile(env));
}

/** A profile is one identity: if the environment sets another one, none of the profile's secrets are used. */
function withProfile(env: Effects['env'], profile: ConfigProfile | undefined): Record<string, string | undefined> {
  const hasOwnIdentity = Boolean(env.DATABRICKS_TOKEN || env.DATABRICKS_CLIENT_ID || env.DATABRICKS_CLIENT_SECRET);
  const isIdentity = (field: string): boolean => ['token', 'client_id', 'client_secret'].includes(field);
  const given = (name: string, field: string): string | undefined =>
    env[name] || (isIdentity(field) && hasOwnIdentity ? undefined : profile?.[field]) || undefined;
  return Object.fromEntries(NAMES.map(([name, field]) => [name, given(name, field)]));
}
