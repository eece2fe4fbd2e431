import type { Survey } from './plan/survey.ts';

/** How one mart compares with the local one. */
export interface Parity {
  readonly name: string;
  readonly status: 'equal' | 'different' | 'missing';
  readonly rows: number;
  /** What differs, in words. */
  readonly message?: string;
}

/** Compares the public marts that may have changed with the local ones. */
export type VerifyMarts = (survey: Survey, mayDiffer: (uniqueId: string) => boolean) => Promise<readonly Parity[]>;
