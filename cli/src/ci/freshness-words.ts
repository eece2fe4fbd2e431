import type { SourceFreshness } from '../engine/protocol.ts';
import { plural } from '../text/text.ts';
import type { CiFailure, FreshnessPart } from './report.ts';

/** A part's counts, in a few words. */
export function freshnessCounts({ sources, message }: FreshnessPart): string {
  if (message !== undefined) return '';
  const { length } = staleSources(sources);
  return `${plural(sources.length, 'source')}, ${length === 0 ? 'none' : length} stale`;
}

/** One line for each source whose data is older than its project allows. */
export function staleSources(sources: readonly SourceFreshness[]): string[] {
  return sources.flatMap((source) => {
    const limit = limits.get(source.status);
    return limit === undefined ? [] : [`${called(source)}: its newest data is ${age(source)} old, past ${limit}.`];
  });
}

/** The sources whose freshness could not be measured. */
export function unreadableSources(sources: readonly SourceFreshness[]): CiFailure[] {
  return sources
    .filter(({ status }) => status === 'runtime error')
    .map((source) => ({
      title: called(source),
      text: `${source.file}: the freshness of ${called(source)} can't be measured: ${source.message ?? 'dbt gave no reason'}`,
    }));
}

/** The limit in dbt's YAML that a status stands for. */
const limits: ReadonlyMap<SourceFreshness['status'], string> = new Map([
  ['warn', 'warn_after'],
  ['error', 'error_after'],
]);

const called = ({ source, name }: SourceFreshness): string => `${source}.${name}`;

/** Whole hours below two days, else whole days. */
function age({ ageSeconds }: SourceFreshness): string {
  const hours = (ageSeconds ?? 0) / 3600;
  return hours < 48 ? plural(Math.floor(hours), 'hour') : plural(Math.floor(hours / 24), 'day');
}
