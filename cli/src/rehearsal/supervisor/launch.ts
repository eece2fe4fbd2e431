import { z } from 'zod';

/** The settings that the background process is started with. */
export const launchSchema = z.object({
  /** Identifies this start to the process that waits for it. */
  run: z.string(),
  state: z.string(),
  logs: z.string(),
  java: z.string(),
  /** Java's class path. */
  classPath: z.array(z.string()),
  sparkHome: z.string(),
  memory: z.string(),
  /** Options for Java, after meetup's own. */
  javaOptions: z.array(z.string()),
  /** How long a session may be idle (milliseconds). */
  idleMs: z.number(),
});
export type Launch = z.infer<typeof launchSchema>;

/** What is running and how to reach it; written once everything answers. */
export const runningSchema = z.object({
  run: z.string(),
  /** The background process, with the gateway, which also supervises Spark. */
  pid: z.number(),
  sparkPid: z.number(),
  /** A made-up host name that only the proxy resolves. */
  host: z.string(),
  httpPath: z.string(),
  /** The gateway's own port, for clients that don't use the proxy. */
  port: z.number(),
  proxyPort: z.number(),
  startedAt: z.string(),
});
export type Running = z.infer<typeof runningSchema>;

/** The top-level domain .invalid is reserved, so the name can't exist. */
export const HOST = 'rehearsal.meetup.invalid';
export const HTTP_PATH = '/sql/1.0/warehouses/rehearsal';
