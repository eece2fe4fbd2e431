package meetup.rehearsal

import java.io.{File, IOException}
import java.net.InetAddress
import java.nio.file.{Files, LinkOption, Path, Paths}
import java.security.Permission

/**
 * Keeps all of Spark's process to the folders that it needs, whatever a statement names: a path in backquotes, LOCATION, LOAD DATA,
 * an option of a reader, a link in a volume, or a data source of its own.
 *
 * Hadoop's file systems can be exchanged by a session's settings, and Derby doesn't use them: only Java itself sees every file that is
 * opened. Java warns at the start that security managers will go; they are there in all versions that Spark 4.0 runs on.
 */
class Guard extends SecurityManager {
  /** Where statements may read and write. */
  private val data = Guard.folders("meetup.rehearsal.data")
  /** Where Spark works. Statements may not go there: Hadoop's file systems, by which they go anywhere, only into some of it. */
  private val scratch = Guard.folders("meetup.rehearsal.scratch")
  private val readable = Guard.folders("meetup.rehearsal.readable")
  private val hidden = Guard.folders("meetup.rehearsal.hidden")
  private val metastore = Guard.folders("meetup.rehearsal.metastore")
  private val start = Paths.get(System.getProperty("user.dir"))
  private val home = Guard.real(Paths.get(System.getProperty("java.home")))
  /** Set while this class itself looks where a path leads. */
  private val looking = new ThreadLocal[java.lang.Boolean]

  override def checkRead(file: String): Unit =
    if (!isLooking && !isReadable(absolute(file))) check(file, isWriting = false)
  override def checkRead(file: String, context: Object): Unit = checkRead(file)
  override def checkWrite(file: String): Unit = check(file, isWriting = true)
  override def checkDelete(file: String): Unit = check(file, isWriting = true)

  /** Hadoop asks the system's own tools for the rights of files; a statement must not start any other. */
  override def checkExec(command: String): Unit = {
    val isAllowed = calledFrom(_.getClassName.startsWith("org.apache.hadoop.util.Shell"))
    if (!isAllowed) throw new SecurityException(
      s"[REHEARSAL_UNSUPPORTED] The rehearsal doesn't start programs, and so not $command. SQLSTATE: 0A000")
  }

  override def checkConnect(host: String, port: Int): Unit = {
    // Looking up a name (port -1) connects to nothing.
    val isLocal = port < 0 || host == "localhost" || host.startsWith("127.") || host == "0:0:0:0:0:0:0:1" || host == "::1" ||
      Guard.ownNames.contains(host)
    if (!isLocal) throw new SecurityException(
      s"[REHEARSAL_UNSUPPORTED] The rehearsal doesn't read from other machines, and so not from $host. SQLSTATE: 0A000")
  }
  override def checkConnect(host: String, port: Int, context: Object): Unit = checkConnect(host, port)

  override def checkPermission(permission: Permission): Unit =
    if (permission.getName == "setSecurityManager") throw new SecurityException("The rehearsal's guard stays.")
  override def checkPermission(permission: Permission, context: Object): Unit = checkPermission(permission)
  override def checkPackageAccess(name: String): Unit = ()
  override def checkPackageDefinition(name: String): Unit = ()
  override def checkPropertyAccess(name: String): Unit = ()

  private def isLooking: Boolean = looking.get == true

  private def absolute(file: String): Path = start.resolve(file).normalize

  /** Java's and Spark's own files, which nobody can write: no link there has to be followed. */
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

  /** Hadoop asks of each folder above a file whether it is there. What else lies in those is not to be listed. */
  private def isOnTheWay(path: Path): Boolean =
    (data ++ scratch ++ metastore).exists(_.startsWith(path)) &&
      !calledFrom(frame => Guard.LISTING.contains(frame.getMethodName))

  /**
   * Whether it is Hadoop's file system that asks, for a path of a statement. It may have begun to read a class or its own configuration
   * on the way, which is another matter.
   */
  private def isHadoops: Boolean = StackWalker.getInstance().walk { frames =>
    frames.takeWhile(frame => !Guard.LOADING.exists(frame.getClassName.startsWith))
      .anyMatch(_.getClassName.startsWith("org.apache.hadoop.fs.RawLocal"))
  }

  /** Hive makes folders of its own for each session. */
  private def isHives(folder: Path, path: Path): Boolean =
    path == folder || folder.relativize(path).getName(0).toString.matches("hive.*|.*_resources")

  private def calledFrom(isIt: StackWalker.StackFrame => Boolean): Boolean =
    StackWalker.getInstance().walk(frames => frames.anyMatch(frame => isIt(frame)))
}

object Guard {
  /** The last refusal on a thread: Spark takes some for something else, and says only that. */
  private val last = new ThreadLocal[SecurityException]

  /** Forgets what was refused before on this thread. */
  def begin(): Unit = last.remove()

  /** What was refused on this thread, if anything was. */
  def refusal: Option[SecurityException] = Option(last.get)

  private def denied(file: String): SecurityException = {
    last.set(new SecurityException(s"[PATH_NOT_ALLOWED] $file is not in a volume or a table of the rehearsal: " +
      "statements can't read or write files elsewhere. SQLSTATE: 42501"))
    last.get
  }

  /** What Java and Hadoop read of the system: devices, limits of the machine, and how the network is set up. */
  private val SYSTEM = Seq("/dev/random", "/dev/urandom", "/dev/null", "/sys/fs/cgroup", "/proc/self/mountinfo", "/proc/self/cgroup", "/proc/cgroups",
    "/proc/meminfo", "/etc/resolv.conf", "/etc/hosts", "/etc/krb5.conf").map(Paths.get(_))

  /** Spark asks whether this is there, and no more. */
  private val PROC = Paths.get("/proc")

  /** Classes that load classes and configuration. */
  private val LOADING =
    Seq("jdk.internal.loader.", "java.net.URLClassLoader", "java.lang.ClassLoader", "org.apache.hadoop.conf.Configuration")

  /** Methods of Java that list a folder. */
  private val LISTING = Set("list", "normalizedList", "listFiles", "newDirectoryStream")

  private val ownNames: Set[String] =
    try Set(InetAddress.getLocalHost.getHostName, InetAddress.getLocalHost.getHostAddress)
    catch { case _: IOException => Set.empty }

  private def folders(property: String): Seq[Path] =
    Option(System.getProperty(property)).toSeq.flatMap(_.split(File.pathSeparator)).filter(_.nonEmpty).map(folder => real(Paths.get(folder)))

  /** Where a path leads, all links followed; of what is yet to be made, where the nearest folder above it leads. */
  private def real(path: Path): Path = {
    var there = path
    while (there != null && !Files.exists(there, LinkOption.NOFOLLOW_LINKS)) there = there.getParent
    if (there == null) path
    else try there.toRealPath().resolve(there.relativize(path)).normalize
    // A link to nothing, or to itself, leads out: nothing may be made at its end.
    catch { case _: IOException => Paths.get("/") }
  }
}
