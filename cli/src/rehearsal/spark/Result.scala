package org.apache.spark.sql.hive.thriftserver

import org.apache.hive.service.rpc.thrift.{TRowSet, TTableSchema}
import org.apache.spark.sql.Row
import org.apache.spark.sql.catalyst.{CatalystTypeConverters, InternalRow}
import org.apache.spark.sql.catalyst.plans.logical.{Command, InsertIntoStatement, LogicalPlan}
import org.apache.spark.sql.classic.{DataFrame, SparkSession}
import org.apache.spark.sql.execution.SQLExecution
import org.apache.spark.sql.types._

/** The rows of a finished statement in Spark's internal format, and their conversion for clients. */
class Result(schema: StructType, rows: Array[InternalRow], arrow: Option[ArrowOptions], zone: String) {
  val size: Int = rows.length

  lazy val thriftSchema: TTableSchema = SparkExecuteStatementOperation.toTTableSchema(Result.sent(schema))

  /** The number of changed rows if the statement reports it in a column; else -1. */
  lazy val changed: Long = schema.fieldNames.indexOf("num_affected_rows") match {
    case -1 => -1L
    case i => rows.filterNot(_.isNullAt(i)).map(_.getLong(i)).sum
  }

  private lazy val arrowRows = arrow.map(new ArrowRows(schema, _, zone))
  private lazy val toRow = CatalystTypeConverters.createToScalaConverter(schema)

  /** A slice of the rows. The otherwise unused column count is set to 1 if more rows follow. */
  def slice(from: Int, until: Int): TRowSet = {
    val chosen = rows.slice(from, until)
    val set = arrowRows match {
      case Some(format) => format.rowSet(from, chosen)
      case None =>
        val kinds = schema.map(_.dataType).toArray
        RowSetUtils.toTRowSet(from, chosen.toSeq.map(toRow(_).asInstanceOf[Row]), kinds, null)
    }
    set.setColumnCount(if (until < size) 1 else 0)
    set
  }
}

object Result {
  private val INSERTED = StructType.fromDDL("num_affected_rows bigint, num_inserted_rows bigint")

  private val NOTHING = StructType.fromDDL("Result string")

  /** Runs a statement to its end. @param id the job group of its jobs. */
  def of(session: SparkSession, text: String, options: StatementOptions, id: String): Result = {
    val counter = new InsertCounter(session.sparkContext, id)
    try {
      val all = options.parameters.fold(session.sql(text))(Parameters.run(session, text, _))
      val zone = session.sessionState.conf.sessionLocalTimeZone
      if (isInsert(all.queryExecution.logical)) {
        val count = counter.rows()
        new Result(INSERTED, Array(InternalRow(count, count)), options.arrow, zone)
      } else {
        val frame = limited(all, options.limit)
        // Clients expect at least one column.
        val schema = if (frame.schema.isEmpty) NOTHING else frame.schema
        new Result(schema, collected(frame).take(options.limit.getOrElse(Int.MaxValue)), options.arrow, zone)
      }
    } finally counter.close()
  }

  private def limited(frame: DataFrame, limit: Option[Int]): DataFrame =
    if (frame.queryExecution.logical.isInstanceOf[Command]) frame else limit.fold(frame)(frame.limit)

  private def collected(frame: DataFrame): Array[InternalRow] = {
    val execution = frame.queryExecution
    SQLExecution.withNewExecutionId(execution, Some("collect"))(execution.executedPlan.executeCollect())
  }

  private def isInsert(plan: LogicalPlan): Boolean = plan.collectFirst { case insert: InsertIntoStatement => insert }.isDefined

  /** The schema sent to clients: types that Thrift doesn't have become strings. */
  private def sent(schema: StructType): StructType = StructType(schema.map(field => field.dataType match {
    case VariantType | CalendarIntervalType => field.copy(dataType = StringType)
    case _: StringType => field.copy(dataType = StringType)
    case _ => field
  }))
}
