import type { Effects } from '../config/effects.ts';
import { InterruptedError } from '../config/errors.ts';
import type { Paths } from '../config/paths.ts';
import type { CommandResult } from '../config/result.ts';
import { ColumnLineage } from '../dashboard/data/column-lineage.ts';
import { DashboardServer } from '../dashboard/site/server.ts';
import { readSite } from '../dashboard/site/site.ts';
import { type WrittenSite, writeSite } from '../dashboard/site/static.ts';
import { dashboardToken } from '../dashboard/site/token.ts';
import { requireLocalProfile } from '../toolchain/profile.ts';

/** The port that the dashboard is served on unless another one is chosen. */
const PORT = 4680;

export interface ServeOptions {
  readonly paths: Paths;
  readonly port: number | undefined;
  /** Called once pages can be opened. */
  readonly serving: (report: { readonly address: string }) => void;
}

/**
 * Serves the pages until it is interrupted. It needs no database yet: pages say that there is none, and redraw once there is.
 * @throws MeetupError if there are no pages, a page is wrong, or the port is taken.
 */
export async function serve(
  { paths, port, serving }: ServeOptions,
  effects: Effects,
): Promise<CommandResult<undefined>> {
  await requireLocalProfile(paths, effects.env);
  await readSite(paths);
  const token = await dashboardToken(paths);
  const lineage = new ColumnLineage(paths, effects);
  const chosen = port ?? paths.settings.dashboard?.port ?? PORT;
  const server = await DashboardServer.start(paths, token, chosen, () => lineage.rows());
  try {
    serving({ address: server.address });
    await new Promise<never>((_, reject) => {
      const interrupt = (): void => reject(new InterruptedError());
      if (effects.signal.aborted) interrupt();
      effects.signal.addEventListener('abort', interrupt, { once: true });
    });
  } finally {
    await server.close();
  }
  return { exitCode: 0, report: undefined };
}

export interface WriteOptions {
  readonly paths: Paths;
  /** An absolute path. */
  readonly out: string;
}

export interface DashboardReport extends WrittenSite {
  readonly status: 'written';
  readonly out: string;
}

/** Writes the pages with their data into a folder that works without a server of its own. */
export async function write({ paths, out }: WriteOptions, effects: Effects): Promise<CommandResult<DashboardReport>> {
  await requireLocalProfile(paths, effects.env);
  effects.reporter.progress('writing the dashboard');
  const lineage = new ColumnLineage(paths, effects);
  const written = await writeSite(paths, out, effects.signal, () => lineage.rows());
  return { exitCode: 0, report: { status: 'written', out, ...written } };
}
