import { mkdir, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { RehearsalPlaces } from '../places.ts';
import { writeSecretly } from './files.ts';
import type { Launch } from './launch.ts';

/** Java packages that have to be opened to Spark, as in Spark's own launcher. */
const OPENED = [
  ...[
    'lang',
    'lang.invoke',
    'lang.reflect',
    'io',
    'net',
    'nio',
    'util',
    'util.concurrent',
    'util.concurrent.atomic',
  ].map((name) => `java.base/java.${name}`),
  ...['jdk.internal.ref', 'sun.nio.ch', 'sun.nio.cs', 'sun.security.action', 'sun.util.calendar'].map(
    (name) => `java.base/${name}`,
  ),
  'java.security.jgss/sun.security.krb5',
];

/**
 * With many small statements on two cores, half of the CPU time went into JIT compilation. These options reserve Java's expensive
 * C2 compiler for very hot code: 200 statements of a deployment take 190 s of CPU time instead of 261 s. Disabling C2 or Spark's
 * code generation altogether would make a million rows take minutes.
 */
const FEW_CORES = [
  '-XX:+UseSerialGC',
  '-XX:ReservedCodeCacheSize=512m',
  '-XX:Tier4InvocationThreshold=50000',
  '-XX:Tier4MinInvocationThreshold=6000',
  '-XX:Tier4CompileThreshold=150000',
  '-XX:Tier4BackEdgeThreshold=400000',
];

/**
 * Hadoop and Hive look for these files whenever they create a configuration, which is several times per statement. They are first
 * on the class path, so that the search doesn't go through two hundred jars.
 */
const UNUSED = [
  'core-site',
  'hdfs-site',
  'mapred-site',
  'yarn-site',
  'hive-default',
  'hivemetastore-site',
  'hiveserver2-site',
];

/** Java's argument file; its path on the command line identifies this rehearsal's Spark. */
export const sparkArguments = (places: RehearsalPlaces): string => join(places.conf, 'spark.args');

/**
 * Writes Spark's configuration: for two cores and small tables, listening only on the loopback interface, with Databricks'
 * defaults where Spark's differ. Empties Spark's working folder, so that leftovers of killed processes don't pile up; no other
 * Spark may be using it.
 */
export async function writeSparkFiles(places: RehearsalPlaces, launch: Launch, secret: string): Promise<void> {
  await rm(places.scratch, { recursive: true, force: true });
  for (const folder of [places.conf, places.warehouse, places.volumes, places.scratch])
    await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeSecretly(join(places.conf, 'hive-site.xml'), hiveSite(places));
  for (const name of UNUSED) await writeSecretly(join(places.conf, `${name}.xml`), '<configuration/>\n');
  await writeSecretly(join(places.conf, 'log4j2.properties'), LOGGING);
  const properties = { ...sparkProperties(places, secret), ...guardProperties(places, launch) };
  const args = [
    `-Xmx${launch.memory}`,
    '-Xss4m',
    '-XX:+IgnoreUnrecognizedVMOptions',
    '-XX:+ExitOnOutOfMemoryError',
    ...FEW_CORES,
    '--add-modules=jdk.incubator.vector',
    ...OPENED.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    ...launch.javaOptions,
    '-cp',
    [places.conf, ...launch.classPath].join(delimiter),
    'meetup.rehearsal.RehearsalServer',
  ];
  const quoted = args.map((arg) => `"${arg.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`);
  await writeSecretly(sparkArguments(places), `${quoted.join('\n')}\n`);
}

function sparkProperties(places: RehearsalPlaces, secret: string): Record<string, string> {
  return {
    'meetup.rehearsal.secret': secret,
    'java.io.tmpdir': places.scratch,
    'user.timezone': 'UTC',
    'file.encoding': 'UTF-8',
    'jdk.reflect.useDirectMethodHandle': 'false',
    'io.netty.tryReflectionSetAccessible': 'true',
    'derby.stream.error.file': join(places.scratch, 'derby.log'),
    'spark.master': 'local[2]',
    'spark.app.name': 'meetup-rehearsal',
    'spark.ui.enabled': 'false',
    'spark.authenticate': 'true',
    'spark.driver.host': '127.0.0.1',
    'spark.driver.bindAddress': '127.0.0.1',
    'spark.local.dir': places.scratch,
    'spark.default.parallelism': '2',
    'spark.sql.shuffle.partitions': '2',
    // VACUUM lists a table's files in this many tasks, by default 10,000.
    'spark.sql.sources.parallelPartitionDiscovery.parallelism': '2',
    'spark.sql.extensions':
      'io.delta.sql.DeltaSparkSessionExtension,org.apache.spark.sql.hive.thriftserver.RehearsalExtensions',
    // Substitution would give statements access to the environment.
    'spark.sql.variable.substitute': 'false',
    'spark.sql.catalog.spark_catalog': 'org.apache.spark.sql.delta.catalog.DeltaCatalog',
    'spark.sql.warehouse.dir': pathToFileURL(places.warehouse).href,
    // What Databricks calls it, in current_timezone() and in Arrow's types.
    'spark.sql.session.timeZone': 'Etc/UTC',
    'spark.sql.ansi.enabled': 'true',
    'spark.sql.sources.default': 'delta',
    'spark.sql.legacy.createHiveTableByDefault': 'false',
    'spark.sql.thriftServer.interruptOnCancel': 'true',
    // A small table's log needs only one partition.
    'spark.databricks.delta.snapshotPartitions': '1',
  };
}

/** The folders that Spark's process may use; enforced by Guard.scala. */
function guardProperties(places: RehearsalPlaces, { classPath }: Launch): Record<string, string> {
  const folders = (...all: readonly string[]): string => all.join(delimiter);
  const libraries = classPath.map((entry) => entry.replace(/[\\/]\*$/, ''));
  return {
    'java.security.manager': 'meetup.rehearsal.Guard',
    'meetup.rehearsal.data': folders(places.warehouse, places.volumes),
    'meetup.rehearsal.scratch': places.scratch,
    'meetup.rehearsal.readable': folders(places.conf, ...libraries),
    'meetup.rehearsal.hidden': sparkArguments(places),
    'meetup.rehearsal.metastore': places.metastore,
  };
}

/** Hive replaces this with a session's id. */
const SESSION_ID = ['$', '{hive.session.id}'].join('');

function hiveSite(places: RehearsalPlaces): string {
  const settings = {
    'hive.server2.transport.mode': 'binary',
    'hive.server2.thrift.bind.host': '127.0.0.1',
    // Any free port; it is read from Spark's log.
    'hive.server2.thrift.port': '0',
    'hive.server2.authentication': 'CUSTOM',
    'hive.server2.custom.authentication.class': 'meetup.rehearsal.SecretAuthentication',
    'hive.server2.enable.doAs': 'false',
    // How long a request for a statement's state may block until the state changes.
    'hive.server2.long.polling.timeout': '1000ms',
    'javax.jdo.option.ConnectionURL': `jdbc:derby:;databaseName=${places.metastore};create=true`,
    'hive.exec.scratchdir': join(places.scratch, 'hive'),
    'hive.exec.local.scratchdir': join(places.scratch, 'hive-local'),
    // One folder per session, as is Hive's default: sessions remove it when they end.
    'hive.downloaded.resources.dir': join(places.scratch, `${SESSION_ID}_resources`),
    'hive.querylog.location': join(places.scratch, 'hive-log'),
  };
  const xml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const properties = Object.entries(settings).map(
    ([name, value]) => `  <property><name>${name}</name><value>${xml(value)}</value></property>`,
  );
  return ['<configuration>', ...properties, '</configuration>', ''].join('\n');
}

const LOGGING = `rootLogger.level = warn
rootLogger.appenderRef.err.ref = err
appender.err.type = Console
appender.err.name = err
appender.err.target = SYSTEM_ERR
appender.err.layout.type = PatternLayout
appender.err.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS} %p %c{1}: %m%n%ex
logger.port.name = org.apache.hive.service.cli.thrift.ThriftCLIService
logger.port.level = info
`;
