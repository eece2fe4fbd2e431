package org.apache.spark.sql.hive.thriftserver

import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicLong

import org.apache.spark.{SparkContext, Success}
import org.apache.spark.scheduler._

/** Counts the rows that a statement's jobs write to tables, because Spark's INSERT doesn't report it. */
class InsertCounter(context: SparkContext, id: String) extends SparkListener {
  private val stages = ConcurrentHashMap.newKeySet[Int]()
  private val written = new AtomicLong

  context.addSparkListener(this)

  override def onJobStart(job: SparkListenerJobStart): Unit =
    if (job.properties != null && job.properties.getProperty("spark.jobGroup.id") == id) job.stageIds.foreach(stages.add(_))

  override def onTaskEnd(task: SparkListenerTaskEnd): Unit =
    if (stages.contains(task.stageId) && task.reason == Success && task.taskMetrics != null)
      written.addAndGet(task.taskMetrics.outputMetrics.recordsWritten)

  /** The number of rows, once all pending events have been delivered. */
  def rows(): Long = {
    context.listenerBus.waitUntilEmpty()
    written.get
  }

  def close(): Unit = context.removeSparkListener(this)
}
