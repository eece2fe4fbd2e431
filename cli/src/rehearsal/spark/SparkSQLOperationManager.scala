package org.apache.spark.sql.hive.thriftserver.server

import java.util.{List => JList, Map => JMap}
import java.util.concurrent.ConcurrentHashMap

import org.apache.hive.service.cli._
import org.apache.hive.service.cli.operation._
import org.apache.hive.service.cli.session.HiveSession
import org.apache.spark.internal.Logging
import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.hive.thriftserver._

/**
 * Replaces Spark's own class of this name, to create the rehearsal's statements, which take parameters and return Arrow. If the
 * gateway sends a statement again because the connection broke before the answer, the running one is returned.
 */
private[thriftserver] class SparkSQLOperationManager() extends OperationManager with Logging {
  val sessionToContexts = new ConcurrentHashMap[SessionHandle, SparkSession]()

  private val operations = ReflectionUtils.getSuperField[JMap[OperationHandle, Operation]](this, "handleToOperation")
  /** Statements by the gateway's keys; closed ones are removed when their handles are gone. */
  private val sent = new ConcurrentHashMap[String, Statement]()

  override def newExecuteStatementOperation(
      parent: HiveSession,
      statement: String,
      overlay: JMap[String, String],
      async: Boolean,
      timeout: Long): ExecuteStatementOperation = synchronized {
    val options = StatementOptions(overlay)
    val known = options.key.flatMap(key => Option(sent.get(key)))
    known.getOrElse {
      sent.values.removeIf(old => !operations.containsKey(old.getHandle))
      keep(new Statement(session(parent), parent, statement, options, async, timeout), options.key)
    }
  }

  override def newGetFunctionsOperation(parent: HiveSession, catalog: String, schema: String, function: String) =
    keep(new SparkGetFunctionsOperation(session(parent), parent, catalog, schema, function))

  override def newGetTypeInfoOperation(parent: HiveSession) =
    keep(new SparkGetTypeInfoOperation(session(parent), parent))

  private def session(parent: HiveSession): SparkSession = {
    val session = sessionToContexts.get(parent.getSessionHandle)
    require(session != null, "The session is closed.")
    session
  }

  private def keep[T <: Operation](operation: T): T = synchronized {
    operations.put(operation.getHandle, operation)
    operation
  }

  private def keep(statement: Statement, key: Option[String]): Statement = {
    key.foreach(sent.put(_, statement))
    keep(statement)
  }
}
