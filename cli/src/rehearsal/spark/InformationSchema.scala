package org.apache.spark.sql.hive.thriftserver

import org.apache.spark.sql.catalyst.AliasIdentifier
import org.apache.spark.sql.catalyst.analysis.UnresolvedRelation
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, SubqueryAlias}
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.{SparkSession => AnySparkSession}
import org.apache.spark.sql.classic.SparkSession

/**
 * The relations of `information_schema` that clients ask for, with the columns of Unity Catalog:
 * https://docs.databricks.com/aws/en/sql/language-manual/information-schema. What the rehearsal can't know is null.
 *
 * It replaces their names before Spark looks for them, because Spark takes `system.information_schema` for an invalid name.
 */
object InformationSchema extends Rule[LogicalPlan] {
  private val CATALOG = s"'${Information.CATALOG}'"
  private val NO_TEXT = "cast(null as string)"
  private val NO_INT = "cast(null as int)"
  private val NO_TIME = "cast(null as timestamp)"

  private val QUERIES: Map[String, String] = Map(
    "catalogs" -> s"select $CATALOG as catalog_name, $NO_TEXT as catalog_owner, '' as comment, $NO_TIME as created, $NO_TEXT as created_by",
    "schemata" ->
      s"""select $CATALOG as catalog_name, schema_name, $NO_TEXT as schema_owner, comment, $NO_TIME as created, $NO_TEXT as created_by,
            $NO_TIME as last_altered, $NO_TEXT as last_altered_by
          from meetup_schemas('%')""",
    "tables" ->
      s"""select $CATALOG as table_catalog, table_schema, table_name, table_kind as table_type,
            if(table_kind = 'VIEW', 'NO', 'YES') as is_insertable_into, 'PRESERVE' as commit_action, owner as table_owner, comment,
            timestamp_millis(created_ms) as created, owner as created_by, $NO_TIME as last_altered, $NO_TEXT as last_altered_by,
            upper(provider) as data_source_format, $NO_TEXT as storage_path, $NO_TEXT as storage_sub_directory
          from meetup_tables('%', '%') where table_schema <> ''""",
    "views" ->
      s"""select $CATALOG as table_catalog, table_schema, table_name, view_text as view_definition, 'NONE' as check_option,
            'NO' as is_updatable, 'NO' as is_insertable_into, $NO_TEXT as sql_path, false as is_materialized
          from meetup_tables('%', '%') where table_schema <> '' and table_kind = 'VIEW'""",
    "columns" ->
      s"""select $CATALOG as table_catalog, table_schema, table_name, column_name, ordinal + 1 as ordinal_position,
            column_default, if(nullable, 'YES', 'NO') as is_nullable, full_type as full_data_type, data_type,
            $NO_INT as character_maximum_length, $NO_INT as character_octet_length,
            if(radix is null, null, column_size) as numeric_precision, radix as numeric_precision_radix,
            if(radix is null, null, decimal_digits) as numeric_scale, $NO_INT as partition_ordinal_position, comment
          from meetup_columns('%', '%') where table_schema <> ''""")

  override def apply(plan: LogicalPlan): LogicalPlan = plan.resolveOperatorsUp {
    case UnresolvedRelation(parts, _, false) if isInformationSchema(parts.map(_.toLowerCase)) => answer(parts.last.toLowerCase)
  }

  private def isInformationSchema(parts: Seq[String]): Boolean = parts match {
    case Seq("information_schema", _) => true
    case Seq("system" | "spark_catalog" | Information.CATALOG, "information_schema", _) => true
    case _ => false
  }

  private def answer(name: String): LogicalPlan = {
    val query = QUERIES.getOrElse(name,
      throw new Refused(s"information_schema.$name: it has ${QUERIES.keys.toSeq.sorted.mkString(", ")}"))
    val parser = AnySparkSession.active.asInstanceOf[SparkSession].sessionState.sqlParser
    SubqueryAlias(AliasIdentifier(name, Seq("information_schema")), parser.parsePlan(query))
  }
}
