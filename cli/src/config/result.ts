/** What a command's `run` gives back: the exit code and a typed report. Reporters turn the report into text or JSON. */
export interface CommandResult<Report> {
  /** 0: done. 1: the work found something. What could not work at all is thrown instead (exit code 2). */
  readonly exitCode: 0 | 1;
  readonly report: Report;
}
