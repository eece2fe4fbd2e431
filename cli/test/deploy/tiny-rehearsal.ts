import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run as rehearsal } from '../../src/commands/rehearsal.ts';
import type { Effects } from '../../src/config/effects.ts';
import type { Remote } from '../../src/deploy/remote.ts';
import { connectTarget, remoteTarget } from '../../src/targets/target.ts';
import { deployEngines } from '../support/warm-engine.ts';
import { type TinyProject, tinyProject } from './tiny-project.ts';

/** The small project beside a rehearsal of its own, with warm engines for deployments and a connection. */
export interface TinyRehearsal {
  readonly project: TinyProject;
  readonly remote: Remote;
  /** Stops everything, and removes the folder. */
  end(): Promise<void>;
}

/** Creates the project, and starts its rehearsal once `prepare` has changed its files. */
export async function tinyRehearsal(
  name: string,
  effects: Effects,
  prepare: (project: TinyProject) => Promise<void>,
): Promise<TinyRehearsal> {
  const folder = await mkdtemp(join(tmpdir(), `meetup-${name}-`));
  const project = await tinyProject(folder);
  const { paths } = project;
  await prepare(project);
  await rehearsal({ paths, action: 'up' }, effects);
  const engines = await deployEngines(paths, effects);
  const place = await remoteTarget('rehearsal', paths, effects, { start: true });
  const remote = { connection: await connectTarget(place, effects), catalog: place.catalog };
  return {
    project,
    remote,
    end: async () => {
      await remote.connection.close();
      await Promise.all(engines.map((engine) => engine.close()));
      await rehearsal({ paths, action: 'down' }, effects);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
