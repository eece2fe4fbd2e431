package meetup.rehearsal

import java.io.{File, IOException}
import java.net.InetAddress
import java.nio.file.{Files, LinkOption, Path, Paths}
import java.security.Permission

/**
 * Restricts Spark's whole process to the folders that it needs, however a statement names a path: in backquotes, LOCATION, LOAD
 * DATA, a reader's options, a link in a volume, or a custom data source.
 *
 * Only Java itself sees every file that is opened: a session's settings can replace Hadoop's file systems, and Derby doesn't use
 * them. Java warns at startup that security managers are deprecated, but all versions that Spark 4.0 runs on have them.
 */
class Guard extends SecurityManager {
  /** Where statements may read and write. */
  private val data = Guard.folders("meetup.rehearsal.data")
  /** Spark's working folders. Hadoop's file systems, which statements use for all files, may only access part of them. */
  private val scratch = Guard.folders("meetup.rehearsal.scratch")
  private val readable = Guard.folders("meetup.rehearsal.readable")
  private val hidden = Guard.folders("meetup.rehearsal.hidden")
  private val metastore = Guard.folders("meetup.rehearsal.metastore")
  private val start = Paths.get(System.getProperty("user.dir"))
  private val home = Guard.real(Paths.get(System.getProperty("java.home")))
  /** Set while this class itself resolves a path. */
  private val looking = new ThreadLocal[java.lang.Boolean]

  override def checkRead(file: String): Unit =
    if (!isLooking && !isReadable(absolute(file))) check(file, isWriting = false)
  override def checkRead(file: String, context: Object): Unit = checkRead(file)
  override def checkWrite(file: String): Unit = check(file, isWriting = true)
  override def checkDelete(file: String): Unit = check(file, isWriting = true)

  /** Hadoop runs system tools to get file permissions. Nothing else may start a program. */
  override def checkExec(command: String): Unit = {
    val isAllowed = calledFrom(_.getClassName.startsWith("org.apache.hadoop.util.Shell"))
    if (!isAllowed) throw new SecurityException(
      s"[REHEARSAL_UNSUPPORTED] The rehearsal doesn't start programs, such as $command. SQLSTATE: 0A000")
  }

  override def checkConnect(host: String, port: Int): Unit = {
    // Port -1 is a name lookup without a connection.
    val isLocal = port < 0 || host == "localhost" || host.startsWith("127.") || host == "0:0:0:0:0:0:0:1" || host == "::1" ||
      Guard.ownNames.contains(host)
    if (!isLocal) throw new SecurityException(
      s"[REHEARSAL_UNSUPPORTED] The rehearsal doesn't connect to other machines, such as $host. SQLSTATE: 0A000")
  }
  override def checkConnect(host: String, port: Int, context: Object): Unit = checkConnect(host, port)

  override def checkPermission(permission: Permission): Unit =
    if (permission.getName == "setSecurityManager") throw new SecurityException("The rehearsal's security manager can't be replaced.")
  override def checkPermission(permission: Permission, context: Object): Unit = checkPermission(permission)
  override def checkPackageAccess(name: String): Unit = ()
  override def checkPackageDefinition(name: String): Unit = ()
  override def checkPropertyAccess(name: String): Unit = ()

  private def isLooking: Boolean = looking.get == true

  private def absolute(file: String): Path = start.resolve(file).normalize

  /** Java's and Spark's own files. Nobody can write to those folders, so links in them needn't be resolved. */
  private def isReadable(path: Path): Boolean =
    !hidden.contains(path) && !isHadoops &&
      (path.startsWith(home) || readable.exists(path.startsWith) || Guard.SYSTEM.exists(path.startsWith) || Guard.PROC == path)

  private def check(file: String, isWriting: Boolean): Unit = if (!isLooking) {
    looking.set(true)
    try {
      val path = Guard.real(absolute(file))
      val allowed = data.exists(path.startsWith) ||
        (scratch.exists(path.startsWith) && (scratch.exists(isHives(_, path)) || !isHadoops)) ||
        (metastore.exists(path.startsWith) && calledFrom(_.getClassName.startsWith("org.apache.derby."))) ||
        (!isWriting && isOnTheWay(path))
      if (!allowed) throw Guard.denied(file)
    } finally looking.remove()
  }

  /** Hadoop checks that each folder above a file exists. Listing those folders is not allowed. */
  private def isOnTheWay(path: Path): Boolean =
    (data ++ scratch ++ metastore).exists(_.startsWith(path)) &&
      !calledFrom(frame => Guard.LISTING.contains(frame.getMethodName))

  /**
   * Whether Hadoop's file system requests access on behalf of a statement, rather than to load a class or its own configuration.
   */
  private def isHadoops: Boolean = StackWalker.getInstance().walk { frames =>
    frames.takeWhile(frame => !Guard.LOADING.exists(frame.getClassName.startsWith))
      .anyMatch(_.getClassName.startsWith("org.apache.hadoop.fs.RawLocal"))
  }

  /** Folders that Hive creates for each session. */
  private def isHives(folder: Path, path: Path): Boolean =
    path == folder || folder.relativize(path).getName(0).toString.matches("hive.*|.*_resources")

  private def calledFrom(isIt: StackWalker.StackFrame => Boolean): Boolean =
    StackWalker.getInstance().walk(frames => frames.anyMatch(frame => isIt(frame)))
}

object Guard {
  /** The last refusal on a thread, kept because Spark replaces some of them with a misleading error. */
  private val last = new ThreadLocal[SecurityException]

  /** Clears the last refusal on this thread. */
  def begin(): Unit = last.remove()

  /** The last refusal on this thread, if any. */
  def refusal: Option[SecurityException] = Option(last.get)

  private def denied(file: String): SecurityException = {
    last.set(new SecurityException(s"[PATH_NOT_ALLOWED] $file is not in a volume or a table of the rehearsal: " +
      "statements can't read or write files elsewhere. SQLSTATE: 42501"))
    last.get
  }

  /** System files that Java and Hadoop read: devices, resource limits and network configuration. */
  private val SYSTEM = Seq("/dev/random", "/dev/urandom", "/dev/null", "/sys/fs/cgroup", "/proc/self/mountinfo", "/proc/self/cgroup", "/proc/cgroups",
    "/proc/meminfo", "/etc/resolv.conf", "/etc/hosts", "/etc/krb5.conf").map(Paths.get(_))

  /** Spark only checks whether this exists. */
  private val PROC = Paths.get("/proc")

  /** Classes that load classes and configuration. */
  private val LOADING =
    Seq("jdk.internal.loader.", "java.net.URLClassLoader", "java.lang.ClassLoader", "org.apache.hadoop.conf.Configuration")

  /** Java methods that list a folder. */
  private val LISTING = Set("list", "normalizedList", "listFiles", "newDirectoryStream")

  private val ownNames: Set[String] =
    try Set(InetAddress.getLocalHost.getHostName, InetAddress.getLocalHost.getHostAddress)
    catch { case _: IOException => Set.empty }

  private def folders(property: String): Seq[Path] =
    Option(System.getProperty(property)).toSeq.flatMap(_.split(File.pathSeparator)).filter(_.nonEmpty).map(folder => real(Paths.get(folder)))

  /** Resolves all links in a path. If it doesn't exist yet, the nearest existing folder above it is resolved. */
  private def real(path: Path): Path = {
    var there = path
    while (there != null && !Files.exists(there, LinkOption.NOFOLLOW_LINKS)) there = there.getParent
    if (there == null) path
    else try there.toRealPath().resolve(there.relativize(path)).normalize
    // A dangling or cyclic link counts as leading outside, so that nothing can be created at its end.
    catch { case _: IOException => Paths.get("/") }
  }
}
