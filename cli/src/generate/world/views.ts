import type { Group } from './groups.ts';
import type { Meeting } from './schedule.ts';
import type { EventText } from './texts.ts';

/** A meeting as of the moment at which a file is written. */
export interface EventView {
  readonly meeting: Meeting;
  readonly name: string;
  readonly description: string | null | undefined;
  readonly startsAt: number;
  readonly status: 'past' | 'upcoming' | 'cancelled';
}

export function viewOf(group: Group, meeting: Meeting, text: EventText, moment: number): EventView {
  const { change } = meeting;
  const changed = change !== undefined && change.at < moment;
  const startsAt = change?.kind === 'moved' && !changed ? meeting.plannedAt : meeting.startsAt;
  const name = change?.kind === 'renamed' && !changed ? `${group.name}: speakers to be announced` : text.name;
  const over = startsAt + meeting.duration < moment;
  const status = change?.kind === 'cancelled' && changed ? 'cancelled' : over ? 'past' : 'upcoming';
  return { meeting, name, description: text.description, startsAt, status };
}
