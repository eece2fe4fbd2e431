import type { Paths } from '../paths.ts';

interface PublicFacts {
  readonly schema: string;
  readonly access?: string | null | undefined;
  readonly config?: { readonly meta?: { readonly published_in?: string | undefined } | null | undefined } | undefined;
}

/** The schema in which readers find a model: where it is published (`meta.published_in`), or where it is built. */
export const readersSchema = ({ schema, config }: PublicFacts): string => config?.meta?.published_in ?? schema;

/** Whether people outside the project rely on a model: meetup.yml names its schema or, without `public` there, its `access` says so. */
export function isPublic(model: PublicFacts, { settings }: Pick<Paths, 'settings'>): boolean {
  return settings.public === undefined ? model.access === 'public' : settings.public.includes(readersSchema(model));
}
