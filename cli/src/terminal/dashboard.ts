import type { DashboardReport } from '../commands/dashboard.ts';
import { plural } from '../text/text.ts';

/** Where the pages can be opened. */
export const renderServing = ({ address }: { readonly address: string }): string =>
  `The dashboard is at ${address}\nIt redraws after each build; Ctrl-C ends it.`;

/** The same as an event. */
export const servingJson = ({ address }: { readonly address: string }): string =>
  JSON.stringify({ event: 'serving', address });

/** What was written, and how to look at it. */
export const renderDashboard = ({ out, pages, files, bytes }: DashboardReport): string =>
  `${plural(pages, 'page')} written to ${out}: ${plural(files, 'file')}, ${(bytes / 1e6).toFixed(1)} MB. Serve that folder with any web server.`;
