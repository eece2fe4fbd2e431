/** The result of a command's `run`: the exit code and a typed report. Reporters turn the report into text or JSON. */
export interface CommandResult<Report> {
  /** 0: success. 1: the work found something. 2: it couldn't work, and the report says why; without a report, it throws. */
  readonly exitCode: 0 | 1 | 2;
  readonly report: Report;
}
