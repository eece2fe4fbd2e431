import type { Paths } from '../paths.ts';

/** Whether people outside the project rely on a model: meetup.yml names its schema or, without `public` there, its `access` says so. */
export function isPublic(
  { schema, access }: { readonly schema: string; readonly access?: string | null | undefined },
  { settings }: Pick<Paths, 'settings'>,
): boolean {
  return settings.public === undefined ? access === 'public' : settings.public.includes(schema);
}
