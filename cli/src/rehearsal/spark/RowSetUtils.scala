package org.apache.spark.sql.hive.thriftserver

import java.nio.ByteBuffer
import java.time.ZoneId
import java.util.{ArrayList => JavaList, Base64, BitSet}

import org.apache.hive.service.rpc.thrift._
import org.apache.spark.sql.Row
import org.apache.spark.sql.execution.HiveResult
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types._
import org.apache.spark.unsafe.types.VariantVal

/**
 * Replaces Spark's own object of this name. That one prints strings inside arrays and structs without escaping quotes, and dates
 * without any quotes, which clients can't parse and some drivers silently turn into an empty list. Here, nested values are JSON,
 * as on Databricks. Everything else works as in Spark, for the column-based protocol only, which is the one that the gateway
 * uses.
 */
object RowSetUtils {
  def toTRowSet(start: Long, rows: Seq[Row], schema: Array[DataType], protocol: TProtocolVersion): TRowSet = {
    val text = texts
    val set = new TRowSet(start, new JavaList[TRow](0))
    schema.indices.foreach(i => set.addToColumns(column(rows, i, schema(i), text)))
    set
  }

  /** The conversion of a type's values to text; nested ones become JSON. */
  def wordsOf(kind: DataType): Any => String = {
    val text = texts
    kind match {
      case _: ArrayType | _: MapType | _: StructType => json(_, kind, text)
      case _ => text(_, kind)
    }
  }

  private def texts: (Any, DataType) => String = {
    val formats = HiveResult.getTimeFormatters
    val binary = HiveResult.getBinaryFormatter
    (value, kind) => (value, kind) match {
      case (variant: VariantVal, _) => variant.toJson(ZoneId.of(SQLConf.get.sessionLocalTimeZone))
      case _ => HiveResult.toHiveString((value, kind), false, formats, binary)
    }
  }

  private def column(rows: Seq[Row], i: Int, kind: DataType, text: (Any, DataType) => String): TColumn = {
    val nulls = new BitSet()
    def values[T](none: T)(take: Row => T): JavaList[T] = {
      val taken = new JavaList[T](rows.length)
      var at = 0
      rows.foreach { row =>
        if (row.isNullAt(i)) { nulls.set(at); taken.add(none) } else taken.add(take(row))
        at += 1
      }
      taken
    }
    def bits: ByteBuffer = ByteBuffer.wrap(nulls.toByteArray)
    kind match {
      case BooleanType =>
        val all = values(java.lang.Boolean.TRUE)(row => java.lang.Boolean.valueOf(row.getBoolean(i)))
        TColumn.boolVal(new TBoolColumn(all, bits))
      case ByteType =>
        val all = values(java.lang.Byte.valueOf(0.toByte))(row => java.lang.Byte.valueOf(row.getByte(i)))
        TColumn.byteVal(new TByteColumn(all, bits))
      case ShortType =>
        val all = values(java.lang.Short.valueOf(0.toShort))(row => java.lang.Short.valueOf(row.getShort(i)))
        TColumn.i16Val(new TI16Column(all, bits))
      case IntegerType =>
        val all = values(java.lang.Integer.valueOf(0))(row => java.lang.Integer.valueOf(row.getInt(i)))
        TColumn.i32Val(new TI32Column(all, bits))
      case LongType =>
        val all = values(java.lang.Long.valueOf(0L))(row => java.lang.Long.valueOf(row.getLong(i)))
        TColumn.i64Val(new TI64Column(all, bits))
      case FloatType =>
        // Through its decimal digits, so that 1.1 as a float is 1.1 as a double.
        val all = values(java.lang.Double.valueOf(0))(row => java.lang.Double.valueOf(row.getFloat(i).toString))
        TColumn.doubleVal(new TDoubleColumn(all, bits))
      case DoubleType =>
        val all = values(java.lang.Double.valueOf(0))(row => java.lang.Double.valueOf(row.getDouble(i)))
        TColumn.doubleVal(new TDoubleColumn(all, bits))
      case BinaryType =>
        val all = values(ByteBuffer.allocate(0))(row => ByteBuffer.wrap(row.getAs[Array[Byte]](i)))
        TColumn.binaryVal(new TBinaryColumn(all, bits))
      case _: ArrayType | _: MapType | _: StructType =>
        TColumn.stringVal(new TStringColumn(values("")(row => json(row.get(i), kind, text)), bits))
      case _ =>
        TColumn.stringVal(new TStringColumn(values("")(row => text(row.get(i), kind)), bits))
    }
  }

  private def json(value: Any, kind: DataType, text: (Any, DataType) => String): String = (value, kind) match {
    case (null, _) => "null"
    case (row: Row, StructType(fields)) =>
      fields.indices.map(i => s"${quoted(fields(i).name)}:${json(row.get(i), fields(i).dataType, text)}").mkString("{", ",", "}")
    case (items: scala.collection.Seq[_], ArrayType(item, _)) => items.map(json(_, item, text)).mkString("[", ",", "]")
    case (map: scala.collection.Map[_, _], MapType(key, item, _)) =>
      map.map { case (k, v) => s"${quoted(text(k, key))}:${json(v, item, text)}" }.mkString("{", ",", "}")
    case (number: java.math.BigDecimal, _) => number.toPlainString
    case (number: Double, _) if number.isNaN || number.isInfinite => quoted(number.toString)
    case (number: Float, _) if number.isNaN || number.isInfinite => quoted(number.toString)
    case (_: Boolean | _: Byte | _: Short | _: Int | _: Long | _: Float | _: Double, _) => value.toString
    case (bytes: Array[Byte], _) => quoted(Base64.getEncoder.encodeToString(bytes))
    case (words: String, _) => quoted(words)
    case (variant: VariantVal, _) => text(variant, kind)
    case _ => quoted(text(value, kind))
  }

  private def quoted(words: String): String = {
    val out = new StringBuilder("\"")
    words.foreach {
      case '"' => out.append("\\\"")
      case '\\' => out.append("\\\\")
      case c if c < ' ' => out.append("\\u%04x".format(c.toInt))
      case c => out.append(c)
    }
    out.append('"').toString
  }
}
