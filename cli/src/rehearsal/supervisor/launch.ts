import { z } from 'zod';

/** What the background process is told at its start. */
export const launchSchema = z.object({
  /** Names this start: whoever waits for it knows it by that. */
  run: z.string(),
  state: z.string(),
  logs: z.string(),
  java: z.string(),
  /** Java's class path. */
  classPath: z.array(z.string()),
  sparkHome: z.string(),
  memory: z.string(),
  /** How long a session may be idle (milliseconds). */
  idleMs: z.number(),
});
export type Launch = z.infer<typeof launchSchema>;

/** What runs, and how it is reached; written when all of it answers. */
export const runningSchema = z.object({
  run: z.string(),
  /** The process with the gateway, which watches over Spark. */
  pid: z.number(),
  sparkPid: z.number(),
  /** A made-up name: only the proxy knows where it leads. */
  host: z.string(),
  httpPath: z.string(),
  /** The gateway's own port, for who does without the proxy. */
  port: z.number(),
  proxyPort: z.number(),
  startedAt: z.string(),
});
export type Running = z.infer<typeof runningSchema>;

/** Ends in .invalid, which can't be anybody's. */
export const HOST = 'rehearsal.meetup.invalid';
export const HTTP_PATH = '/sql/1.0/warehouses/rehearsal';
