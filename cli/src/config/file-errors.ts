import { MeetupError } from './errors.ts';

/** The operating system's codes in words that finish the sentence "FILE can't be read because …". */
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission is denied',
  EBUSY: 'it is in use',
  EDQUOT: 'your disk quota is used up',
  EEXIST: 'something with that name already exists',
  EFBIG: 'the file would be too large',
  EIO: 'the disk reports an error',
  EISDIR: 'it is a folder, not a file',
  ELOOP: 'its symbolic links form a loop',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'its name is too long',
  ENFILE: 'too many files are open on this machine',
  ENODEV: 'the device does not exist',
  ENOENT: 'it does not exist',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is a file, not a folder',
  ENOTEMPTY: 'the folder is not empty',
  ENXIO: 'it is not a regular file',
  EPERM: 'the operation is not permitted',
  EROFS: 'the file system is read-only',
  ESTALE: 'its handle on the network drive is stale',
  ETXTBSY: 'it is being executed',
  EXDEV: 'it is on another file system',
};

/** Node's error for a failed system call on a file. */
interface FileError extends Error {
  readonly code: string;
  readonly syscall?: string;
  readonly path?: string;
}

function isFileError(error: unknown): error is FileError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code in reasons;
}

/** The reason why a file can't be used, in plain words; undefined where the error is not the file system's. */
export function fileReason(error: unknown): string | undefined {
  return isFileError(error) ? reasons[error.code] : undefined;
}

/**
 * The error as one plain sentence, where it is the file system's; anything else comes back as it is.
 * @param path what was to be read or written.
 * @param advice what to do about it, as a clause that follows a colon.
 */
export function fileProblem(
  error: unknown,
  path: string,
  { verb = 'read', advice }: { verb?: 'read' | 'written' | 'made' | 'removed'; advice?: string } = {},
): unknown {
  const reason = fileReason(error);
  if (reason === undefined) return error;
  return new MeetupError(`${path} can't be ${verb} because ${reason}${advice === undefined ? '.' : `: ${advice}.`}`, {
    cause: error,
  });
}

/** Calls whose failure means that something could not be written. */
const WRITING =
  /^(write|fsync|fdatasync|ftruncate|rename|mkdir|mkdtemp|unlink|rmdir|rm|link|symlink|copyfile|chmod|utime)/;

/**
 * The last resort for an error of the file system that nobody expected: what could not be done with which file, and why.
 * @returns undefined where the error is not the file system's.
 */
export function unexpectedFileProblem(error: unknown): string | undefined {
  if (!isFileError(error)) return undefined;
  const reason = reasons[error.code];
  if (error.syscall?.startsWith('spawn')) {
    return `The program ${error.path ?? 'that is needed'} can't be started because ${reason}.`;
  }
  const verb = WRITING.test(error.syscall ?? '') ? 'written' : 'read';
  return `${error.path ?? 'A file'} can't be ${verb} because ${reason}.`;
}
