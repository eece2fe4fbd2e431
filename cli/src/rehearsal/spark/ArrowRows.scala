package org.apache.spark.sql.hive.thriftserver

import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.nio.channels.Channels
import java.util.{ArrayList => JavaList}

import scala.jdk.CollectionConverters._

import net.jpountz.lz4.LZ4FrameOutputStream
import org.apache.arrow.vector.ipc.WriteChannel
import org.apache.arrow.vector.ipc.message.MessageSerializer
import org.apache.arrow.vector.types.pojo.{Field, FieldType, Schema}
import org.apache.hive.service.rpc.thrift.{TRow, TRowSet}
import org.apache.spark.TaskContext
import org.apache.spark.sql.catalyst.{CatalystTypeConverters, InternalRow}
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow
import org.apache.spark.sql.execution.arrow.ArrowConverters
import org.apache.spark.sql.types._
import org.apache.spark.sql.util.ArrowUtils
import org.apache.spark.unsafe.types.UTF8String

/** The types that a client reads as native Arrow types instead of text, and whether it supports LZ4 compression. */
case class ArrowOptions(timestamps: Boolean, decimals: Boolean, nested: Boolean, intervals: Boolean, nulls: Boolean, lz4: Boolean)

object ArrowOptions {
  /** Parses the gateway's format: the names of the enabled options, separated by spaces. */
  def apply(words: String): ArrowOptions = {
    val has = words.split(' ').toSet
    ArrowOptions(has("timestamps"), has("decimals"), has("nested"), has("intervals"), has("nulls"), has("lz4"))
  }
}

/** Rows as Databricks sends them: Arrow record batches without a schema, compressed if the client supports it. */
class ArrowRows(schema: StructType, options: ArrowOptions, zone: String) {
  private val sent = StructType(schema.map(field => if (isText(field.dataType)) field.copy(dataType = StringType, metadata = Metadata.empty) else field))
  private val texts: Array[Option[Any => String]] = schema.map(field => Option.when(isText(field.dataType)) {
    val external = CatalystTypeConverters.createToScalaConverter(field.dataType)
    val words = RowSetUtils.wordsOf(field.dataType)
    (value: Any) => words(external(value))
  }).toArray

  /**
   * The number of rows, the schema and one batch in one piece; the gateway splits them because clients request them separately.
   */
  def rowSet(start: Long, rows: Array[InternalRow]): TRowSet = {
    val encodedSchema = message(MessageSerializer.serialize(_, arrowSchema))
    val body = if (rows.isEmpty) Array.emptyByteArray else compressed(batch(rows))
    val packed = ByteBuffer.allocate(8 + encodedSchema.length + body.length)
    packed.putInt(rows.length).putInt(encodedSchema.length).put(encodedSchema).put(body).flip()
    val set = new TRowSet(start, new JavaList[TRow](0))
    set.setBinaryColumns(packed)
    set
  }

  private def batch(rows: Array[InternalRow]): Array[Byte] = {
    val plain = if (texts.exists(_.isDefined)) rows.iterator.map(withTexts) else rows.iterator
    val batches = ArrowConverters.toBatchIterator(plain, sent, rows.length, zone, false, false, TaskContext.get())
    try batches.next()
    finally batches.close()
  }

  private def withTexts(row: InternalRow): InternalRow = new GenericInternalRow(Array.tabulate[Any](schema.length) { i =>
    val kind = schema(i).dataType
    if (row.isNullAt(i)) null
    else texts(i).fold(row.get(i, kind))(text => UTF8String.fromString(text(row.get(i, kind))))
  })

  /** The schema with SQL type names, by which clients distinguish strings from other types that were sent as text. */
  private def arrowSchema: Schema = {
    val plain = ArrowUtils.toArrowSchema(sent, zone, false, false)
    new Schema(plain.getFields.asScala.zip(schema).map { case (field, column) =>
      val kind = column.dataType
      val names = Map("Spark:DataType:SqlName" -> nameOf(kind), "Spark:DataType:JsonType" -> kind.json)
      val typed = new FieldType(field.isNullable, field.getType, field.getDictionary, names.asJava)
      new Field(field.getName, typed, field.getChildren)
    }.asJava)
  }

  private def nameOf(kind: DataType): String = kind match {
    case _: StringType => "STRING"
    case other => other.sql
  }

  private def isText(kind: DataType): Boolean = kind match {
    case TimestampType | TimestampNTZType => !options.timestamps
    case _: DecimalType => !options.decimals
    case _: ArrayType | _: MapType | _: StructType => !options.nested || !isPlain(kind)
    case _: DayTimeIntervalType | _: YearMonthIntervalType => !options.intervals
    case NullType => !options.nulls
    case CalendarIntervalType | VariantType => true
    case _ => false
  }

  /** Whether Arrow supports all parts of a nested type. */
  private def isPlain(kind: DataType): Boolean = kind match {
    case ArrayType(item, _) => isPlain(item)
    case MapType(key, item, _) => isPlain(key) && isPlain(item)
    case StructType(fields) => fields.forall(field => isPlain(field.dataType))
    case VariantType | CalendarIntervalType => false
    case _ => true
  }

  private def compressed(bytes: Array[Byte]): Array[Byte] = if (!options.lz4) bytes else {
    val out = new ByteArrayOutputStream(bytes.length / 2)
    val frame = new LZ4FrameOutputStream(out)
    frame.write(bytes)
    frame.close()
    out.toByteArray
  }

  private def message(write: WriteChannel => Unit): Array[Byte] = {
    val out = new ByteArrayOutputStream
    write(new WriteChannel(Channels.newChannel(out)))
    out.toByteArray
  }
}
