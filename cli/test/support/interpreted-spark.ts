/**
 * Small statements take Spark less time if it interprets them and plans them once, instead of generating, compiling and loading
 * Java code for each, and if it runs one task instead of two, because each task reads the whole plan.
 */
const FOR_SMALL_STATEMENTS = [
  '-Dspark.sql.codegen.wholeStage=false',
  '-Dspark.sql.codegen.factoryMode=NO_CODEGEN',
  '-Dspark.sql.adaptive.enabled=false',
  '-Dspark.sql.shuffle.partitions=1',
  '-Dspark.default.parallelism=1',
];

/** The environment of a rehearsal that interprets its statements; with MEETUP_ALL_CASES=1, it compiles them, as users' do. */
export function interpreting(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (process.env.MEETUP_ALL_CASES === '1') return env;
  const options = [env.MEETUP_REHEARSAL_JAVA_OPTIONS ?? '', ...FOR_SMALL_STATEMENTS];
  return { ...env, MEETUP_REHEARSAL_JAVA_OPTIONS: options.join(' ').trim() };
}
