package org.apache.spark.sql.hive.thriftserver

import scala.jdk.CollectionConverters._

import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}
import org.apache.spark.sql.Column
import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.parser.CatalystSqlParser
import org.apache.spark.sql.classic.{Dataset, ExpressionUtils, SparkSession}
import org.apache.spark.sql.Row
import org.apache.spark.sql.types._
import org.apache.spark.unsafe.types.UTF8String

/** Parameters of a statement, in the gateway's format: a JSON list of `{name?, type?, value?, arguments?}`. */
object Parameters {
  private val json = new ObjectMapper()

  /** Runs a statement with its parameters: by name if all have names, else by position. */
  def run(session: SparkSession, statement: String, encoded: String): Dataset[Row] = {
    val parameters = json.readTree(encoded).elements.asScala.toSeq
    val zone = session.sessionState.conf.sessionLocalTimeZone
    def value(parameter: JsonNode): Column = ExpressionUtils.column(expression(parameter, zone))
    val named = parameters.flatMap(parameter => text(parameter, "name").map(_ -> value(parameter)))
    if (named.size == parameters.size) session.sql(statement, named.toMap[String, Any])
    else session.sql(statement, parameters.map(value).toArray[Column])
  }

  private def expression(parameter: JsonNode, zone: String): Expression = {
    val arguments = Option(parameter.get("arguments")).toSeq.flatMap(_.elements.asScala).map(expression(_, zone))
    text(parameter, "type").map(_.trim.toUpperCase) match {
      case Some("ARRAY") => CreateArray(arguments)
      case Some("MAP") => CreateMap(arguments)
      case Some("STRUCT") => CreateStruct(arguments)
      case kind => scalar(kind.getOrElse("VOID"), text(parameter, "value"), zone)
    }
  }

  private def scalar(kind: String, value: Option[String], zone: String): Expression = value match {
    case None => Literal(null, NullType)
    case Some(_) if kind == "VOID" || kind == "NULL" => Literal(null, NullType)
    case Some(given) =>
      val wanted = typeOf(kind, given)
      val cast = Cast(Literal(UTF8String.fromString(given), StringType), wanted, Some(zone), EvalMode.ANSI)
      Literal(cast.eval(), wanted)
  }

  private def typeOf(kind: String, value: String): DataType = kind match {
    // Type names that drivers use in addition to those of SQL.
    case "LONG" => LongType
    case "SHORT" => ShortType
    case "BYTE" => ByteType
    case "CHAR" | "VARCHAR" | "TEXT" => StringType
    case "DECIMAL" | "DEC" | "NUMERIC" => narrowest(value)
    case "INTERVAL" =>
      if (value.toLowerCase.matches(".*(year|month).*")) YearMonthIntervalType() else DayTimeIntervalType()
    case _ => CatalystSqlParser.parseDataType(kind)
  }

  /** A decimal type without precision and scale takes those of its value. */
  private def narrowest(value: String): DecimalType = {
    val number = new java.math.BigDecimal(value.trim)
    val scale = math.max(number.scale, 0)
    DecimalType(math.min(math.max(number.precision - number.scale + scale, scale + 1), 38), scale)
  }

  private def text(node: JsonNode, field: String): Option[String] = Option(node.get(field)).filterNot(_.isNull).map(_.asText)
}
