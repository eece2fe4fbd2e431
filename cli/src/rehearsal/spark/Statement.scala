package org.apache.spark.sql.hive.thriftserver

import java.util.{ArrayList => JavaList, Map => JMap}
import java.util.concurrent.{Executors, ScheduledFuture, TimeUnit}
import java.util.concurrent.atomic.AtomicBoolean


import org.apache.hive.service.cli._
import org.apache.hive.service.cli.operation.ExecuteStatementOperation
import org.apache.hive.service.cli.session.HiveSession
import org.apache.hive.service.rpc.thrift.{TRow, TRowSet, TTableSchema}
import org.apache.spark.internal.Logging
import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.classic

import meetup.rehearsal.Guard

/** The gateway's options for a statement. */
case class StatementOptions(key: Option[String], parameters: Option[String], limit: Option[Int], arrow: Option[ArrowOptions])

object StatementOptions {
  def apply(overlay: JMap[String, String]): StatementOptions = {
    def get(name: String): Option[String] = Option(overlay).flatMap(map => Option(map.get(s"meetup.$name")))
    StatementOptions(get("key"), get("parameters"), get("limit").map(_.toInt), get("arrow").map(ArrowOptions(_)))
  }
}

/**
 * One statement of a client. It runs on its own thread; cancelling it stops its jobs and interrupts that thread. Its rows are
 * kept until it is closed and can be fetched from any offset, so that a fetch whose answer was lost can be repeated.
 */
private[hive] class Statement(
    val session: SparkSession,
    parent: HiveSession,
    text: String,
    options: StatementOptions,
    async: Boolean,
    timeout: Long)
  extends ExecuteStatementOperation(parent, text, null, async) with SparkOperation with Logging {

  private val begun = new AtomicBoolean
  private val own = session.asInstanceOf[classic.SparkSession]
  @volatile private var result: Result = _
  @volatile private var alarm: ScheduledFuture[_] = _
  private var next = 0L
  /** Guards `worker`, so that the thread is only interrupted while it runs this statement. */
  private val running = new Object
  private var worker: Thread = _

  override def run(): Unit = if (begun.compareAndSet(false, true)) super.run()

  override def runInternal(): Unit = {
    setState(OperationState.PENDING)
    setHasResultSet(true)
    val seconds = if (timeout > 0) timeout else session.conf.get(Statement.TIMEOUT, "0").toLong
    if (seconds > 0) {
      val ring: Runnable = () => end(OperationState.TIMEDOUT)
      alarm = Statement.alarms.schedule(ring, seconds, TimeUnit.SECONDS)
    }
    if (async) setBackgroundHandle(parent.getSessionManager.submitBackgroundOperation(() => withLocalProperties(execute())))
    else execute()
  }

  private def execute(): Unit = {
    running.synchronized { worker = Thread.currentThread }
    try if (begin()) {
      Thread.currentThread.setContextClassLoader(session.sharedState.jarClassLoader)
      session.sparkContext.setJobGroup(statementId, text, interruptOnCancel = true)
      Guard.begin()
      result = own.withActive(Result.of(own, text, options, statementId))
      synchronized(if (!getStatus.getState.isTerminal) setState(OperationState.FINISHED))
    } catch {
      // Throwable, because nothing else would report errors that aren't exceptions.
      case error: Throwable => failed(error)
    } finally {
      running.synchronized {
        worker = null
        // Clear the interrupt before the pool reuses the thread for another statement.
        Thread.interrupted()
      }
      if (alarm != null) alarm.cancel(false)
      session.sparkContext.clearJobGroup()
    }
  }

  private def begin(): Boolean = synchronized {
    val isWanted = !getStatus.getState.isTerminal
    if (isWanted) setState(OperationState.RUNNING)
    isWanted
  }

  private def failed(error: Throwable): Unit = synchronized {
    session.sparkContext.cancelJobGroup(statementId)
    if (!getStatus.getState.isTerminal) {
      logError(s"Statement $statementId failed", error)
      setOperationException(Statement.exception(error))
      setState(OperationState.ERROR)
    }
    if (!async) throw Statement.exception(error)
  }

  override def cancel(): Unit = end(OperationState.CANCELED)

  private def end(state: OperationState): Unit = synchronized {
    if (!getStatus.getState.isTerminal) {
      setState(state)
      cleanup()
    }
  }

  override def cleanup(): Unit = {
    if (alarm != null) alarm.cancel(false)
    if (result == null) {
      // A statement that is still being planned has no jobs yet, so future jobs have to be cancelled as well.
      session.sparkContext.cancelJobGroupAndFutureJobs(statementId)
      interrupt()
    }
    result = null
  }

  /** Interrupts the thread repeatedly until the statement has ended, because Spark swallows some interrupts and continues. */
  private def interrupt(): Unit = running.synchronized {
    if (worker != null) {
      worker.interrupt()
      val again: Runnable = () => interrupt()
      Statement.alarms.schedule(again, Statement.AGAIN_MS, TimeUnit.MILLISECONDS)
    }
  }

  override def getResultSetSchema: TTableSchema = finished().thriftSchema

  /**
   * Returns the next rows, those from the start, or, with FETCH_ABSOLUTE, those from an offset in the upper bits of the row
   * count. FETCH_LAST returns no rows, but the number of changed rows.
   */
  override def getNextRowSet(order: FetchOrientation, asked: Long): TRowSet =
    if (order == FetchOrientation.FETCH_LAST) new TRowSet(finished().changed, new JavaList[TRow](0))
    else own.withActive(rows(finished(), order, asked))

  private def rows(rows: Result, order: FetchOrientation, asked: Long): TRowSet = {
    val count = asked & Statement.COUNT
    order match {
      case FetchOrientation.FETCH_FIRST => next = 0
      case FetchOrientation.FETCH_ABSOLUTE => next = asked >> Statement.COUNT_BITS
      case _ =>
    }
    val start = next
    next = math.min(start + count, rows.size)
    rows.slice(start.toInt, next.toInt)
  }

  private def finished(): Result = {
    assertState(OperationState.FINISHED)
    result
  }
}

object Statement {
  private val TIMEOUT = "spark.sql.thriftServer.queryTimeout"
  /** The time between interrupts (milliseconds). */
  private val AGAIN_MS = 200
  /** The number of bits that hold a row count; the gateway uses the same. */
  private val COUNT_BITS = 20
  private val COUNT = (1L << COUNT_BITS) - 1

  private val alarms = Executors.newSingleThreadScheduledExecutor { work =>
    val thread = new Thread(work, "statement-timeouts")
    thread.setDaemon(true)
    thread
  }

  private def exception(error: Throwable): HiveSQLException = error match {
    // If the guard denies access to a file, Spark reports an unknown format.
    case unknown: org.apache.spark.SparkThrowable
      if unknown.getCondition == "UNSUPPORTED_DATASOURCE_FOR_DIRECT_QUERY" && Guard.refusal.isDefined =>
      exception(Guard.refusal.get)
    case known: HiveSQLException => known
    case other =>
      val state = other match {
        case spark: org.apache.spark.SparkThrowable => spark.getSqlState
        case _ => null
      }
      new HiveSQLException(other.toString, state, other)
  }
}
