import type { ModelPlan } from './models.ts';

/** The actions that create or change a relation. */
const RUNS: ReadonlySet<ModelPlan['action']> = new Set(['create', 'replace', 'refresh', 'increment']);
export const runs = ({ action }: Pick<ModelPlan, 'action'>): boolean => RUNS.has(action);
