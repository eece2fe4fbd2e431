/** The result of a command's `run`: the exit code and a typed report. Reporters turn the report into text or JSON. */
export interface CommandResult<Report> {
  /** 0: success. 1: the work found something. If the command can't work at all, it throws (exit code 2). */
  readonly exitCode: 0 | 1;
  readonly report: Report;
}
