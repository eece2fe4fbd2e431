import { MeetupError } from './errors.ts';

/** Texts for the operating system's codes, which complete the sentence "FILE can't be read because …". */
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

/** The reason why a file can't be used, as text; undefined if the error doesn't come from the file system. */
export function fileReason(error: unknown): string | undefined {
  return isFileError(error) ? reasons[error.code] : undefined;
}

/**
 * A file system error as one plain sentence; other errors are returned unchanged.
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
 * A fallback for unexpected file system errors: what could not be done with which file, and why.
 * @returns undefined if the error doesn't come from the file system.
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
