import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { InterruptedError, MeetupError } from '../config/errors.ts';
import { isAlive } from '../config/processes.ts';
import type { DatabricksConnection } from '../warehouse/databricks.ts';
import { quoteText } from '../warehouse/databricks-sql.ts';
import { nameOn, OWN_SCHEMA, type Remote } from './remote.ts';

/** How long a lease holds unless it is renewed (seconds, by the warehouse's clock). */
const LEASE_S = 300;
const RENEWAL_MS = 100_000;
/** How long after a renewal the lock is known to be held without asking: half a lease. */
const TRUSTED_MS = 150_000;

const holderSchema = z.object({ holder: z.string().nullable(), expired: z.boolean(), until: z.string().nullable() });

/** A held lock. */
export interface Lease {
  /** Aborted when the lock is found to be lost. */
  readonly lost: AbortSignal;
  /**
   * Makes sure that the lock is still held. Asks the target if the last renewal is old, because a machine that slept may
   * have lost it.
   * @param over another connection, for a holder that may have lost its own; from now on the lease is renewed over it.
   * @throws LockLostError if somebody else took over: the next deployment or rollback has undone or published this one, or does so first.
   */
  requireHeld(over?: Remote): Promise<void>;
}

/** Somebody else holds the lock now, or did. Nothing may be written or put back any more: the next deployment or rollback does that. */
export class LockLostError extends MeetupError {
  constructor(holder: string | null) {
    super(`The lease was not renewed in time${holder === null ? '' : ` and is now held by ${describeHolder(holder)}`}`);
    this.name = 'LockLostError';
  }
}

/** A possible holder of the lock: a process on a machine. */
const holderName = (deployment: string): string => `${hostname()} ${process.pid} ${deployment} ${machineMark()}`;

/**
 * Identifies the machine within which process ids are comparable. Laptops, containers and CI runners often share a host
 * name, and a deployment on another machine must not be considered dead.
 */
function machineMark(): string {
  const hash = createHash('sha256');
  try {
    hash.update(readFileSync('/proc/sys/kernel/random/boot_id')).update(readlinkSync('/proc/self/ns/pid'));
  } catch {
    const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ mac }) => mac));
    hash.update([...new Set(addresses)].sort().join());
  }
  return hash.digest('hex').slice(0, 12);
}

export interface LockOptions {
  /** Milliseconds. */
  readonly now?: () => number;
  /** Opens another connection to the same target. */
  readonly reconnect?: () => Promise<DatabricksConnection>;
  /** Waits for the lease if it is held; without it, that is an error at once. */
  readonly wait?: LockWait;
}

/** How to wait for a lease. */
export interface LockWait {
  readonly limitMs: number;
  /** Milliseconds between two looks at the lease. */
  readonly everyMs: number;
  readonly signal: AbortSignal;
  /** Called before each pause with the holder, in words. */
  readonly onWait: (holder: string) => void;
}

/**
 * Runs `work` while no other deployment and no run of dbt (dbt/macros/deployment/lease.sql) can change this target. The lock is a lease in a
 * Delta table: if two processes take it at once, Delta lets one commit. A lock is taken over if its process is known to be dead or, on another
 * machine, once its lease has expired.
 * @throws MeetupError if another one still holds it after the wait, with its holder; InterruptedError when the signal is aborted meanwhile.
 */
export async function withDeployLock<T>(
  remote: Remote,
  deployment: string,
  work: (lease: Lease) => Promise<T>,
  { now = Date.now, reconnect, wait }: LockOptions = {},
): Promise<T> {
  const table = nameOn(remote, OWN_SCHEMA, 'deploy_lock');
  const me = holderName(deployment);
  await prepareLock(remote, table);
  await takeOrWait(remote, table, me, wait, now);
  const lost = new AbortController();
  let renewedAt = now();
  let through = remote;
  const renew = async (): Promise<void> => {
    const asked = now();
    await through.connection.run(renewSql(table, me)).catch(ignoreContention);
    const { holder } = await lookAt(through, table);
    if (holder === me) renewedAt = asked;
    else lost.abort(new LockLostError(holder));
  };
  const requireHeld = async (over?: Remote): Promise<void> => {
    through = over ?? through;
    const isFresh = over === undefined && now() - renewedAt <= TRUSTED_MS;
    if (!lost.signal.aborted && !isFresh) await renew();
    lost.signal.throwIfAborted();
  };
  const renewal = setInterval(() => {
    // If a renewal fails, the next one retries, long before the lease expires.
    renew().catch(() => undefined);
  }, RENEWAL_MS);
  renewal.unref();
  try {
    return await work({ lost: lost.signal, requireHeld });
  } finally {
    clearInterval(renewal);
    await giveBack(
      remote,
      reconnect,
      `update ${table} set holder = null, until = null where holder = ${quoteText(me)}`,
    );
  }
}

/** Uses another connection if the first is lost. If that fails too, the lease expires. */
async function giveBack({ connection }: Remote, reconnect: LockOptions['reconnect'], sql: string): Promise<void> {
  try {
    await connection.run(sql);
  } catch {
    const another = await reconnect?.().catch(() => undefined);
    await another?.run(sql).catch(() => undefined);
    await another?.close();
  }
}

async function prepareLock(remote: Remote, table: string): Promise<void> {
  await remote.connection.run(
    `create table if not exists ${table} (id int, holder string, until timestamp) using delta`,
  );
  const [row] = await remote.connection.rows(`select count(*) as n from ${table}`);
  if (Number(row?.n) > 0) return;
  await remote.connection.run(
    `merge into ${table} as held using (select 1 as id) as wanted on held.id = wanted.id
     when not matched then insert (id, holder, until) values (1, null, null)`,
  );
}

async function takeOrWait(
  remote: Remote,
  table: string,
  me: string,
  wait: LockWait | undefined,
  now: () => number,
): Promise<void> {
  const started = now();
  for (;;) {
    const held = await take(remote, table, me);
    if (held === undefined) return;
    if (wait === undefined || now() - started >= wait.limitMs) throw busy(held);
    wait.onWait(describeHolder(held.holder));
    await delay(wait.everyMs, undefined, { signal: wait.signal }).catch(() => {
      throw new InterruptedError();
    });
  }
}

type Held = z.infer<typeof holderSchema>;

/** @returns who holds the lock, if somebody else does. */
async function take(remote: Remote, table: string, me: string): Promise<Held | undefined> {
  const before = await lookAt(remote, table);
  const dead = before.holder !== null && isDead(before.holder);
  const free = `holder is null or until < current_timestamp()${dead ? ` or holder = ${quoteText(before.holder ?? '')}` : ''}`;
  if (before.holder === null || before.expired || dead) {
    await remote.connection
      .run(
        `update ${table} set holder = ${quoteText(me)}, until = current_timestamp() + interval ${LEASE_S} seconds where ${free}`,
      )
      .catch(ignoreContention);
  }
  const now = await lookAt(remote, table);
  return now.holder === me ? undefined : now;
}

/** Another process took the lock first. */
function ignoreContention(error: unknown): void {
  if (!/CONCURRENT|Concurrent/.test(String(error))) throw error;
}

function renewSql(table: string, me: string): string {
  return `update ${table} set until = current_timestamp() + interval ${LEASE_S} seconds where holder = ${quoteText(me)}`;
}

async function lookAt(remote: Remote, table: string) {
  const [row] = await remote.connection.rows(
    `select holder, coalesce(until < current_timestamp(), true) as expired, cast(until as string) as until from ${table} where id = 1`,
  );
  return holderSchema.parse(row);
}

/** Whether the holder was a process on this machine that has ended. */
function isDead(holder: string): boolean {
  const [machine, pid, , mark] = holder.split(' ');
  if (machine !== hostname() || mark !== machineMark() || pid === undefined) return false;
  return !isAlive(Number(pid));
}

/** `dbt <run> <job>/<run of the job> <target>`, as dbt/macros/deployment/lease.sql writes it; or a deployment. */
function describeHolder(holder: string | null): string {
  const [machine, second, third] = (holder ?? 'nobody').split(' ');
  if (machine !== 'dbt') return `deployment ${third ?? '?'}, process ${second ?? '?'} on ${machine}`;
  const [job, run] = (third ?? '-').split('/');
  return `run ${second ?? '?'} of ${job === '-' ? 'dbt' : `job ${job} (${run ?? '?'})`}`;
}

function busy({ holder, until }: Held): MeetupError {
  return new MeetupError(
    `The target is being changed by ${describeHolder(holder)}. Wait until it has finished; if that process is gone, its lease expires at ${until ?? '?'} UTC.`,
  );
}
