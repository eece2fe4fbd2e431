import type { Survey } from './plan/survey.ts';

/** How one mart compares with the local one. */
export interface Parity {
  readonly name: string;
  readonly status: 'equal' | 'different' | 'missing';
  readonly rows: number;
  /** What differs, in words. */
  readonly message?: string;
}

/** Compares the public marts that were built with the local ones. */
export type VerifyMarts = (survey: Survey, wasBuilt: (uniqueId: string) => boolean) => Promise<readonly Parity[]>;
