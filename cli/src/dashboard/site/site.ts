import { basename, join } from 'node:path';
import type { Paths } from '../../config/paths.ts';
import { readPages } from '../page/read-pages.ts';
import type { Page } from '../page/types.ts';

/** The folder of the project's pages. */
export const pagesFolder = ({ root, settings }: Paths): string => join(root, settings.dashboard?.pages ?? 'dashboard');

export interface Site {
  readonly title: string;
  readonly pages: readonly Page[];
}

/** Reads the pages and what they share. @throws MeetupError if there is no page, or one is wrong. */
export async function readSite(paths: Paths): Promise<Site> {
  const pages = await readPages(pagesFolder(paths));
  return { title: paths.settings.dashboard?.title ?? basename(paths.root), pages };
}
