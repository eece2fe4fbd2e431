export { type LoadOptions, type LoadReport, load as run } from '../ingest/load.ts';
