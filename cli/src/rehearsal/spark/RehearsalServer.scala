package meetup.rehearsal

import java.security.MessageDigest
import javax.security.sasl.AuthenticationException

import org.apache.hive.service.auth.PasswdAuthenticationProvider
import org.apache.spark.sql.hive.thriftserver.{Confinement, HiveThriftServer2}

/**
 * Spark's own Thrift server, which ends with the process that started it: that process holds the other end of its standard
 * input, and whatever ends it, `kill -9` too, ends this server.
 */
object RehearsalServer {
  /** Taken out of the properties before any statement could ask for it. */
  private[rehearsal] val secret: String = Option(System.clearProperty("meetup.rehearsal.secret")).getOrElse("")

  def main(args: Array[String]): Unit = {
    val watch = new Thread(() => {
      while (System.in.read() >= 0) {}
      // Not exit(): hooks may wait for work that nobody waits for any more. Delta's tables are whole at any moment.
      Runtime.getRuntime.halt(143)
    }, "parent-watch")
    watch.setDaemon(true)
    watch.start()
    Confinement.removeReflection()
    HiveThriftServer2.main(Array.empty)
  }
}

/** Lets in whoever knows this start's secret: the gateway, and no other user of the machine. */
class SecretAuthentication extends PasswdAuthenticationProvider {
  override def Authenticate(user: String, password: String): Unit = {
    val known = RehearsalServer.secret.nonEmpty && password != null &&
      MessageDigest.isEqual(RehearsalServer.secret.getBytes("UTF-8"), password.getBytes("UTF-8"))
    if (!known) throw new AuthenticationException("Only the rehearsal's gateway may connect.")
  }
}
