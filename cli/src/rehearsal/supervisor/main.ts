import { supervise } from './supervise.ts';

/** The background process: `node main.js <launch file>`. */
process.exit(await supervise(process.argv[2] ?? ''));
