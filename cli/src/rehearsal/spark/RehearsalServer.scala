package meetup.rehearsal

import java.security.MessageDigest
import javax.security.sasl.AuthenticationException

import org.apache.hive.service.auth.PasswdAuthenticationProvider
import org.apache.spark.sql.hive.thriftserver.{Confinement, HiveThriftServer2}

/**
 * Spark's own Thrift server, which ends together with the process that started it: that process holds the other end of its
 * standard input, so that even `kill -9` of that process ends this server.
 */
object RehearsalServer {
  /** Removed from the system properties before any statement can read it. */
  private[rehearsal] val secret: String = Option(System.clearProperty("meetup.rehearsal.secret")).getOrElse("")

  def main(args: Array[String]): Unit = {
    val watch = new Thread(() => {
      while (System.in.read() >= 0) {}
      // halt() instead of exit(), because shutdown hooks may wait for running statements. Delta tables are always consistent.
      Runtime.getRuntime.halt(143)
    }, "parent-watch")
    watch.setDaemon(true)
    watch.start()
    Confinement.removeReflection()
    HiveThriftServer2.main(Array.empty)
  }
}

/** Accepts only the gateway, which knows this start's secret, and no other user of the machine. */
class SecretAuthentication extends PasswdAuthenticationProvider {
  override def Authenticate(user: String, password: String): Unit = {
    val known = RehearsalServer.secret.nonEmpty && password != null &&
      MessageDigest.isEqual(RehearsalServer.secret.getBytes("UTF-8"), password.getBytes("UTF-8"))
    if (!known) throw new AuthenticationException("Only the rehearsal's gateway may connect.")
  }
}
