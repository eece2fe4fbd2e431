import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCredentials } from '../../src/targets/credentials.ts';
import { proxyFor } from '../../src/targets/proxy.ts';
import { remoteTarget } from '../../src/targets/target.ts';
import { quietEffects, temporaryFolder, temporaryPaths } from '../support/effects.ts';

const warehouse = {
  HOME: '/nowhere',
  DATABRICKS_HOST: 'dbc-1.cloud.databricks.com',
  DATABRICKS_HTTP_PATH: '/sql/1.0/warehouses/a1',
};

async function homeWith(config: string): Promise<string> {
  const home = await temporaryFolder();
  await writeFile(join(home, '.databrickscfg'), config);
  return home;
}

describe('the credentials for prod', () => {
  it('are read from the environment, with the host as a name or a URL', async () => {
    const env = { ...warehouse, DATABRICKS_HOST: 'https://dbc-1.cloud.databricks.com/', DATABRICKS_TOKEN: 't' };
    expect(await readCredentials(env)).toEqual({
      DATABRICKS_HOST: 'dbc-1.cloud.databricks.com',
      DATABRICKS_HTTP_PATH: '/sql/1.0/warehouses/a1',
      DATABRICKS_CATALOG: 'main',
      DATABRICKS_TOKEN: 't',
    });
  });

  it('can be those of a service principal', async () => {
    const env = { ...warehouse, DATABRICKS_CLIENT_ID: 'id', DATABRICKS_CLIENT_SECRET: 'secret' };
    expect(await readCredentials(env)).toMatchObject({
      DATABRICKS_CLIENT_ID: 'id',
      DATABRICKS_CLIENT_SECRET: 'secret',
    });
  });

  it('are passed to dbt as a token, even if the environment contains other credentials', async () => {
    const env = { ...warehouse, DATABRICKS_TOKEN: 't', ARM_CLIENT_ID: 'of the pipeline' };
    const { environment } = await remoteTarget('prod', await temporaryPaths(), quietEffects({ env }));
    expect(environment).toMatchObject({ DATABRICKS_TOKEN: 't', DATABRICKS_AUTH_TYPE: 'pat' });
  });

  it('are never a mixture of the environment and a profile', async () => {
    const config =
      '[DEFAULT]\nhost = https://one.cloud.databricks.com\nclient_id = of-the-profile\nhttp_path = /sql/1.0/warehouses/a1\n';
    const env = { HOME: await homeWith(config), DATABRICKS_CLIENT_SECRET: 'another' };
    await expect(readCredentials(env)).rejects.toThrow('There are no credentials for target prod');
  });

  it('are all listed in one sentence if they are missing', async () => {
    await expect(readCredentials({ HOME: '/nowhere' })).rejects.toThrow(
      'DATABRICKS_HOST is not set, DATABRICKS_HTTP_PATH is not set',
    );
    await expect(readCredentials(warehouse)).rejects.toThrow('set DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID');
  });

  it('are named, and never shown, if they are malformed', async () => {
    const env = { ...warehouse, DATABRICKS_TOKEN: 'dapi secret', DATABRICKS_CATALOG: 'a`b' };
    const error = await readCredentials(env).catch((reason: unknown) => reason);
    expect(String(error)).toContain('DATABRICKS_TOKEN must not contain spaces');
    expect(String(error)).toContain('DATABRICKS_CATALOG may contain only letters');
    expect(String(error)).not.toContain('dapi');
  });
});

describe('a profile in ~/.databrickscfg', () => {
  const config = `; made by hand
[DEFAULT]
host  = https://one.cloud.databricks.com
token = first

[team]
host          = two.cloud.databricks.com
http_path     = sql/1.0/warehouses/b2
client_id     = id
client_secret = s=1
`;

  it('provides variables that the environment does not set', async () => {
    const env = { HOME: await homeWith(config), DATABRICKS_HTTP_PATH: '/sql/1.0/warehouses/a1' };
    expect(await readCredentials(env)).toMatchObject({
      DATABRICKS_HOST: 'one.cloud.databricks.com',
      DATABRICKS_TOKEN: 'first',
    });
  });

  it('is the one that DATABRICKS_CONFIG_PROFILE names', async () => {
    const env = { HOME: await homeWith(config), DATABRICKS_CONFIG_PROFILE: 'team' };
    expect(await readCredentials(env)).toMatchObject({
      DATABRICKS_HOST: 'two.cloud.databricks.com',
      DATABRICKS_HTTP_PATH: '/sql/1.0/warehouses/b2',
      DATABRICKS_CLIENT_SECRET: 's=1',
    });
  });

  it('is named in the error if it does not exist', async () => {
    const env = { HOME: await homeWith(config), DATABRICKS_CONFIG_PROFILE: 'other' };
    await expect(readCredentials(env)).rejects.toThrow('has no profile [other]');
  });

  it('does not add its secrets to another identity from the environment', async () => {
    const env = {
      ...warehouse,
      HOME: await homeWith(config),
      DATABRICKS_CONFIG_PROFILE: 'team',
      DATABRICKS_TOKEN: 'mine',
    };
    const credentials = await readCredentials(env);
    expect(credentials.DATABRICKS_TOKEN).toBe('mine');
    expect(credentials.DATABRICKS_CLIENT_SECRET).toBeUndefined();
  });
});

describe('the proxy', () => {
  it('comes from the environment, except for hosts in NO_PROXY', () => {
    const env = { HTTPS_PROXY: 'http://127.0.0.1:1', NO_PROXY: 'localhost, .internal' };
    expect(proxyFor('a.cloud.databricks.com', env)).toBe('http://127.0.0.1:1');
    expect(proxyFor('db.internal', env)).toBeUndefined();
    expect(proxyFor('a.cloud.databricks.com', { HTTPS_PROXY: 'proxy:3128' })).toBe('http://proxy:3128');
    expect(() => proxyFor('a.cloud.databricks.com', { HTTPS_PROXY: 'http://user:secret@:x' })).toThrow(
      /^HTTPS_PROXY is not a proxy address(?!.*secret)/,
    );
    expect(proxyFor('a.cloud.databricks.com', {})).toBeUndefined();
  });
});
