import type { Effects } from '../../config/effects.ts';
import type { Target } from '../../config/options.ts';
import type { Paths } from '../../config/paths.ts';

/** `warn`: something that works now may not later, or only a part of meetup needs it. */
export type CheckStatus = 'ok' | 'warn' | 'fail';

/** The result of one check. It contains no secrets and no host names. */
export interface Check {
  readonly name: string;
  readonly status: CheckStatus;
  readonly detail: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** What a check may look at. */
export interface DoctorContext {
  readonly paths: Paths;
  readonly target: Target;
  readonly effects: Effects;
}

export const ok = (name: string, detail: string): Check => ({ name, status: 'ok', detail });
export const warn = (name: string, detail: string, fix: string): Check => ({ name, status: 'warn', detail, fix });
export const fail = (name: string, detail: string, fix: string): Check => ({ name, status: 'fail', detail, fix });
