package org.apache.spark.sql.hive.thriftserver

import java.sql.Types

import org.apache.spark.sql.classic.SparkSession
import org.apache.spark.sql.catalyst.{FunctionIdentifier, InternalRow}
import org.apache.spark.sql.catalyst.catalog.{CatalogTable, CatalogTableType}
import org.apache.spark.sql.catalyst.encoders.ExpressionEncoder
import org.apache.spark.sql.catalyst.expressions.{Expression, ExpressionInfo}
import org.apache.spark.sql.catalyst.plans.logical.{LocalRelation, LogicalPlan}
import org.apache.spark.sql.catalyst.types.DataTypeUtils.toAttributes
import org.apache.spark.sql.types._
import org.apache.spark.sql.{Row, SparkSession => AnySparkSession}

/**
 * Table functions with the contents of the catalog. They answer the drivers' metadata calls and back the views of
 * `information_schema`. Their arguments are LIKE patterns; without a pattern, everything matches.
 */
object Information {
  /** Databricks' name for Spark's spark_catalog. */
  val CATALOG = "hive_metastore"

  private type Builder = Seq[Expression] => LogicalPlan
  private type Definition = (FunctionIdentifier, ExpressionInfo, Builder)

  val FUNCTIONS: Seq[Definition] = Seq(
    define("meetup_schemas", "schema_name string, comment string, location string")(schemas),
    define("meetup_tables",
      "table_schema string, table_name string, table_type string, table_kind string, comment string, provider string, " +
        "owner string, created_ms bigint, view_text string")(tables),
    define("meetup_columns",
      "table_schema string, table_name string, column_name string, ordinal int, data_type string, full_type string, " +
        "jdbc_type int, column_size int, decimal_digits int, radix int, nullable boolean, comment string, " +
        "column_default string")(columns))

  private def define(name: String, columns: String)(rows: (SparkSession, Seq[String]) => Seq[Row]): Definition = {
    val schema = StructType.fromDDL(columns)
    val builder: Builder = arguments => {
      val patterns = arguments.map(argument => Option(argument.eval(InternalRow.empty)).map(_.toString).getOrElse("%"))
      val session = AnySparkSession.active.asInstanceOf[SparkSession]
      val encode = ExpressionEncoder(schema).resolveAndBind().createSerializer()
      LocalRelation(toAttributes(schema), rows(session, patterns).map(row => encode(row).copy()))
    }
    (FunctionIdentifier(name), new ExpressionInfo("org.apache.spark.sql.hive.thriftserver.Information", name), builder)
  }

  private def schemas(session: SparkSession, patterns: Seq[String]): Seq[Row] = {
    val catalog = session.sessionState.catalog
    schemaNames(session, patterns).flatMap(name => orNone(catalog.getDatabaseMetadata(name)))
      .map(schema => Row(schema.name, schema.description, schema.locationUri.toString))
  }

  private def tables(session: SparkSession, patterns: Seq[String]): Seq[Row] = found(session, patterns).map { table =>
    Row(table.database, table.identifier.table, typeOf(table), table.tableType.name, table.comment.getOrElse(""),
      table.provider.orNull, table.owner, table.createTime, table.viewText.orNull)
  } ++ temporary(session, patterns).map(name => Row("", name, "VIEW", "VIEW", "", null, "", null, null))

  private def columns(session: SparkSession, patterns: Seq[String]): Seq[Row] = {
    val ofTables = found(session, patterns).flatMap(table => orNone(session.table(table.identifier.quotedString).schema)
      .toSeq.flatMap(columnsOf(table.database, table.identifier.table, _)))
    ofTables ++ temporary(session, patterns).flatMap(name =>
      orNone(session.table(name).schema).toSeq.flatMap(columnsOf("", name, _)))
  }

  private def columnsOf(schema: String, table: String, columns: StructType): Seq[Row] =
    columns.zipWithIndex.map { case (column, i) =>
      val kind = column.dataType
      val (jdbc, size, digits) = described(kind)
      Row(schema, table, column.name, i, shortName(kind), kind.sql, jdbc, size, digits,
        if (kind.isInstanceOf[NumericType]) 10 else null, column.nullable, column.getComment().getOrElse(""),
        column.getCurrentDefaultValue().orNull)
    }

  /** A type's code in JDBC, its size, and its number of decimal digits. */
  private def described(kind: DataType): (Int, Any, Any) = kind match {
    case BooleanType => (Types.BOOLEAN, 1, null)
    case ByteType => (Types.TINYINT, 3, 0)
    case ShortType => (Types.SMALLINT, 5, 0)
    case IntegerType => (Types.INTEGER, 10, 0)
    case LongType => (Types.BIGINT, 19, 0)
    case FloatType => (Types.FLOAT, 7, 7)
    case DoubleType => (Types.DOUBLE, 15, 15)
    case decimal: DecimalType => (Types.DECIMAL, decimal.precision, decimal.scale)
    case DateType => (Types.DATE, 10, null)
    case TimestampType | TimestampNTZType => (Types.TIMESTAMP, 29, 6)
    case BinaryType => (Types.BINARY, null, null)
    case _: ArrayType => (Types.ARRAY, null, null)
    case _: StructType => (Types.STRUCT, null, null)
    case _: MapType => (Types.JAVA_OBJECT, null, null)
    case NullType => (Types.NULL, null, null)
    case _: StringType => (Types.VARCHAR, null, null)
    case _ => (Types.OTHER, null, null)
  }

  private def shortName(kind: DataType): String = kind match {
    case _: ArrayType => "ARRAY"
    case _: MapType => "MAP"
    case _: StructType => "STRUCT"
    case _: DecimalType => "DECIMAL"
    case _: DayTimeIntervalType | _: YearMonthIntervalType | CalendarIntervalType => "INTERVAL"
    case _ => kind.sql
  }

  private def found(session: SparkSession, patterns: Seq[String]): Seq[CatalogTable] = {
    val catalog = session.sessionState.catalog
    val wanted = like(patterns.lift(1))
    for {
      schema <- schemaNames(session, patterns.take(1))
      identifier <- orNone(catalog.listTables(schema, "*", includeLocalTempViews = false)).getOrElse(Nil).sortBy(_.table)
      if wanted(identifier.table)
      // Skips tables that another session has just dropped.
      table <- orNone(catalog.getTableMetadata(identifier))
    } yield table
  }

  private def temporary(session: SparkSession, patterns: Seq[String]): Seq[String] =
    if (patterns.headOption.exists(pattern => pattern.nonEmpty && pattern.exists(_ != '%'))) Nil
    else session.sessionState.catalog.listLocalTempViews("*").map(_.table).filter(like(patterns.lift(1))).sorted

  private def schemaNames(session: SparkSession, patterns: Seq[String]): Seq[String] =
    session.sessionState.catalog.listDatabases().filter(like(patterns.headOption)).sorted

  private def typeOf(table: CatalogTable): String = if (table.tableType == CatalogTableType.VIEW) "VIEW" else "TABLE"

  /** Matches like LIKE: `%` for any characters, `_` for one, with a backslash as escape. A lone `*` is an old form of `%`. */
  private def like(pattern: Option[String]): String => Boolean = pattern.filterNot(text => text.isEmpty || text == "*") match {
    case None => _ => true
    case Some(text) =>
      val regex = new StringBuilder("(?is)")
      var i = 0
      while (i < text.length) {
        text(i) match {
          case '\\' if i + 1 < text.length => i += 1; regex ++= quoted(text(i))
          case '%' => regex ++= ".*"
          case '_' => regex ++= "."
          case other => regex ++= quoted(other)
        }
        i += 1
      }
      val compiled = regex.toString.r.pattern
      name => compiled.matcher(name).matches
  }

  private def quoted(char: Char): String = java.util.regex.Pattern.quote(char.toString)

  private def orNone[T](look: => T): Option[T] =
    try Some(look)
    catch { case _: Exception => None }
}
