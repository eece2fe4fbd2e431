import { connect } from 'node:net';
import { MeetupError } from '../../config/errors.ts';
import { givenFor } from '../../targets/credentials.ts';
import {
  differenceOf,
  type ProfileOutput,
  readOutput,
  renderField,
  requiredVariables,
  variablesOf,
} from '../profile.ts';
import { type Check, type DoctorContext, fail, ok, warn } from './check.ts';

/** How long a warehouse may take to answer (milliseconds). */
const PATIENCE_MS = 3_000;

/**
 * Checks the target's profile and, for a remote warehouse, its credentials (whose values are never shown) and whether it
 * answers.
 */
export async function checkTarget(context: DoctorContext): Promise<Check[]> {
  const name = `Profile ${context.target}`;
  let output: ProfileOutput | undefined;
  let env: Env;
  try {
    output = await readOutput(context.paths, context.target);
    env = await environmentFor(context);
  } catch (error) {
    if (!(error instanceof MeetupError)) throw error;
    const place = output === undefined ? 'profiles/profiles.yml' : 'that file, or set the variables in the environment';
    return [fail(name, error.message, `fix ${place}`)];
  }
  const difference = context.target === 'dev' ? differenceOf(context.paths, output, env) : undefined;
  if (difference !== undefined) return [fail(name, difference, 'fix profiles/profiles.yml')];
  const missing = missingVariables(output, env);
  if (missing.length > 0) return [fail(name, `not set: ${missing.join(', ')}`, fixFor(context.target, missing))];
  const profile = ok(
    name,
    output.type === 'duckdb' ? 'DuckDB on this machine' : 'Databricks; every required variable is set',
  );
  if (output.type === 'duckdb') return [profile];
  return [profile, await checkReachable({ ...context, effects: { ...context.effects, env } }, output)];
}

type Env = DoctorContext['effects']['env'];

/** dbt's environment: prod's variables may come from a profile in ~/.databrickscfg, and the database is in the state folder. */
async function environmentFor({ target, effects, paths }: DoctorContext): Promise<Env> {
  if (target === 'prod') return { ...effects.env, ...(await givenFor(effects.env)) };
  return { ...effects.env, MEETUP_DUCKDB_PATH: paths.workDatabase };
}

function missingVariables(output: ProfileOutput, env: Env): string[] {
  const missing = requiredVariables(output).filter((name) => !env[name]);
  if (output.type !== 'databricks' || hasCredentials(output, env)) return missing;
  const [token, id, secret] = ['token', 'client_id', 'client_secret'].map((field) => variablesOf(output, field).join());
  const either = id && secret ? `${token}, or ${id} and ${secret}` : token;
  return either === undefined || missing.includes(either) ? missing : [...missing, either];
}

/** A token, or a service principal's id and secret. */
function hasCredentials(output: ProfileOutput, env: Env): boolean {
  const given = (field: string): boolean => renderField(output, field, env) !== undefined;
  return given('token') || (given('client_id') && given('client_secret'));
}

function fixFor(target: string, missing: string[]): string {
  if (target === 'rehearsal') return '`./meetup rehearsal up` starts the local warehouse and sets them';
  return `set ${missing.length === 1 ? 'it' : 'them'} in the environment; docs/databricks.md shows where to find the values`;
}

async function checkReachable({ target, effects }: DoctorContext, output: ProfileOutput): Promise<Check> {
  const name = `Reaching ${target}`;
  const address = addressOf(renderField(output, 'host', effects.env) ?? '');
  const fix = 'check the host, the network, a VPN and the firewall';
  if (address === undefined) return fail(name, 'the host is not a host name', fix);
  const began = effects.clock.elapsed();
  const problem = await tryToConnect(address, effects.signal);
  if (problem === undefined) return ok(name, `answered in ${Math.round(effects.clock.elapsed() - began)} ms`);
  if (effects.env.HTTPS_PROXY ?? effects.env.https_proxy) {
    return warn(name, `no direct connection (${problem}); it may be reachable through the proxy in HTTPS_PROXY`, fix);
  }
  return fail(name, `no connection (${problem})`, fix);
}

interface Address {
  readonly host: string;
  readonly port: number;
}

function addressOf(host: string): Address | undefined {
  const url = host.includes('://') ? host : `https://${host}`;
  if (!URL.canParse(url)) return undefined;
  const { hostname, port, protocol } = new URL(url);
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port),
  };
}

/** @returns the system's error code; undefined if the connection succeeded. */
function tryToConnect({ host, port }: Address, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PATIENCE_MS, signal });
    const end = (problem: string | undefined): void => {
      socket.destroy();
      resolve(problem);
    };
    socket.on('connect', () => end(undefined));
    socket.on('timeout', () => end('ETIMEDOUT'));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.name));
  });
}
