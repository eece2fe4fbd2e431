/** The engine ended, hung, or couldn't be reached. The work can be repeated on another engine. */
export class EngineLostError extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'EngineLostError';
  }
}

/** The engine refused the request, or failed to process it. */
export class EngineRefusedError extends Error {
  readonly code: string;
  readonly detail: string | undefined;

  constructor(code: string, message: string, detail?: string) {
    super(message);
    this.name = 'EngineRefusedError';
    this.code = code;
    this.detail = detail;
  }
}
