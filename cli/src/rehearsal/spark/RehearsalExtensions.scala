package org.apache.spark.sql.hive.thriftserver

import org.apache.spark.sql.SparkSessionExtensions
import org.apache.spark.sql.catalyst.FunctionIdentifier
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry
import org.apache.spark.sql.catalyst.expressions.{CurrentCatalog, Expression, Literal, SubqueryExpression}
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.execution.command._
import org.apache.spark.sql.execution.datasources.{CreateTempViewUsing, LogicalRelation}
import org.apache.spark.sql.execution.datasources.jdbc.JDBCRelation

/** The rehearsal's extensions of Spark's analyzer. */
class RehearsalExtensions extends (SparkSessionExtensions => Unit) {
  override def apply(extensions: SparkSessionExtensions): Unit = {
    extensions.injectCheckRule(_ => Confinement.check)
    // These rules come first, before Spark looks for relations.
    extensions.injectHintResolutionRule(_ => InformationSchema)
    extensions.injectResolutionRule(_ => CatalogName)
    Information.FUNCTIONS.foreach(extensions.injectTableFunction)
  }
}

/** Makes `current_catalog()` return Databricks' name for the catalog. */
object CatalogName extends Rule[LogicalPlan] {
  override def apply(plan: LogicalPlan): LogicalPlan = plan.resolveExpressions { case _: CurrentCatalog => Literal(Information.CATALOG) }
}

/** The error for a statement that the rehearsal refuses. */
class Refused(what: String) extends RuntimeException(s"[REHEARSAL_UNSUPPORTED] The rehearsal doesn't support $what. SQLSTATE: 0A000")

/** Refuses statements that would run their own code, or reach something that the guard doesn't see. */
object Confinement {
  private val FORMATS =
    Set("delta", "parquet", "json", "csv", "text", "orc", "xml", "binaryfile", "hive")

  /** Settings that would let a statement read the environment or load its own classes. */
  private val SETTINGS = Seq("spark.sql.variable.", "spark.sql.catalog.", "spark.hadoop.", "fs.", "hive.", "spark.sql.hive.", "javax.")

  /** Disables functions that call Java methods. Doing it before the first session starts covers default values and views too. */
  def removeReflection(): Unit = Seq("reflect", "java_method", "try_reflect").foreach { name =>
    val id = FunctionIdentifier(name)
    FunctionRegistry.builtin.lookupFunction(id).foreach(info =>
      FunctionRegistry.builtin.registerFunction(id, info, (_: Seq[Expression]) => throw new Refused(s"$name(), which calls Java methods")))
  }

  def check(plan: LogicalPlan): Unit = {
    refusal(plan).foreach(what => throw new Refused(what))
    plan.children.foreach(check)
    plan.innerChildren.foreach { case inner: LogicalPlan => check(inner); case _ => }
    plan.expressions.foreach(_.foreach { case subquery: SubqueryExpression => check(subquery.plan); case _ => })
  }

  private def refusal(plan: LogicalPlan): Option[String] = plan match {
    case _: AddJarsCommand | _: AddFilesCommand | _: AddArchivesCommand => Some("ADD JAR, ADD FILE and ADD ARCHIVE")
    case _: ScriptTransformation => Some("TRANSFORM with a program")
    case _: CreateFunctionCommand => Some("functions written in Java: write them in SQL")
    case LogicalRelation(_: JDBCRelation, _, _, _, _) => Some("tables of other databases")
    case command: CreateTempViewUsing => format(command.provider)
    case command: CreateTableCommand => command.table.provider.flatMap(format)
    case command: CreateDataSourceTableCommand => command.table.provider.flatMap(format)
    case command: CreateTable => command.tableSpec.provider.flatMap(format)
    case command: CreateTableAsSelect => command.tableSpec.provider.flatMap(format)
    case command: ReplaceTable => command.tableSpec.provider.flatMap(format)
    case command: ReplaceTableAsSelect => command.tableSpec.provider.flatMap(format)
    case command: InsertIntoDir => command.provider.flatMap(format)
    case command: SetCommand => command.kv.collect { case (name, Some(_)) if isProtected(name) => s"the setting $name" }
    case command: ResetCommand => command.config.collect { case name if isProtected(name) => s"the setting $name" }
    case _ => None
  }

  private def isProtected(name: String): Boolean = SETTINGS.exists(name.trim.toLowerCase.startsWith)

  private def format(name: String): Option[String] =
    Option.when(!FORMATS.contains(name.toLowerCase))(s"the format $name")
}
